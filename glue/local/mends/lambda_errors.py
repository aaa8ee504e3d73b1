"""A function's error carries the name of its exception's class, as on AWS.

MiniStack 1.5.33 calls every error of a handler `Runtime.HandlerError`, so that Retry and Catch of
a state machine never find the name they wait for, and it tells no stack. It ends the worker, so
that the next call begins with a cold start, where AWS goes on with the same one. A worker that
ends in the middle of a call is called the same, where AWS says `Runtime.ExitError`; one that
cannot even begin is called `RuntimeError`, where AWS says what is wrong with the code.
"""

# ruff: noqa: SLF001 - a mend reaches into the emulator's own parts
from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from glue.local.mends.guard import MendError, expect

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED_SERVICE = {"_execute_function_warm": "62b9218bef5b"}
EXPECTED_RUNTIME = {"Worker": "a0bd1819a704"}

# What the worker answers about an exception, and what it answers here: a worker whose answer has
# another status than "ok" is ended.
TOLD = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
TELLS = (
    '{"status": "ok", "error": str(e), "trace": traceback.format_exc(), '
    '"type": type(e).__name__, "stack": traceback.format_tb(e.__traceback__)[1:]}'
)
TOLD_OF_START = '{"status": "error", "error": str(e)}'
TELLS_OF_START = '{"status": "error", "error": type(e).__name__ + ": " + str(e)}'
DIED = "Worker process died"
NOT_BEGUN = re.compile(r"Worker init failed: (?P<type>\w+): (?P<words>.*)", re.DOTALL)
START_ERRORS = {
    "ImportError": "Runtime.ImportModuleError",
    "ModuleNotFoundError": "Runtime.ImportModuleError",
    "SyntaxError": "Runtime.UserCodeSyntaxError",
    "AttributeError": "Runtime.HandlerNotFound",
}


def apply(home: Path) -> None:  # noqa: ARG001 - every mend is called alike
    """Mend functions' errors. Raises MendError if it is another emulator."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    expect(lambda_svc, EXPECTED_SERVICE)
    expect(lambda_runtime, EXPECTED_RUNTIME)
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if TOLD not in script or script.count(TOLD_OF_START) != 1:
        raise MendError("ministack.core.lambda_runtime: the worker tells of errors otherwise")
    _tell_more(lambda_runtime)
    _name(lambda_svc, lambda_runtime)


def completed(body: dict[str, Any], response: dict[str, Any], request_id: str) -> dict[str, Any]:
    """Return the body of a failed call with what its worker has said of the error."""
    if response.get("error") == DIED:
        message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
        return {"errorMessage": message, "errorType": "Runtime.ExitError"}
    if found := NOT_BEGUN.fullmatch(str(body.get("errorMessage"))):
        kind = START_ERRORS.get(found["type"], found["type"])
        return {"errorMessage": found["words"], "errorType": kind, "requestId": request_id}
    if "type" not in response:
        return body
    return {
        "errorMessage": response["error"],
        "errorType": response["type"],
        "requestId": request_id,
        "stackTrace": response["stack"],
    }


def _tell_more(lambda_runtime: Any) -> None:
    detect = lambda_runtime._detect_runtime_binary

    def detect_telling(runtime: str) -> Any:
        binary, script = detect(runtime)
        if binary and runtime.startswith("python"):
            script = script.replace(TOLD, TELLS).replace(TOLD_OF_START, TELLS_OF_START)
        return binary, script

    lambda_runtime._detect_runtime_binary = detect_telling


def _name(lambda_svc: Any, lambda_runtime: Any) -> None:
    # A worker is asked in the thread that makes the answer of it.
    said = threading.local()
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def invoke_noting(worker: Any, *arguments: Any, **options: Any) -> Any:
        response = invoke(worker, *arguments, **options)
        said.response = response | {"status": "error"} if "type" in response else response
        return said.response

    def execute_naming(function: Any, event: Any, request_id: str) -> Any:
        said.response = {}
        result = execute(function, event, request_id)
        if result.get("error") and isinstance(result.get("body"), dict):
            result["body"] = completed(result["body"], said.response, request_id)
        return result

    lambda_runtime.Worker.invoke = invoke_noting
    lambda_svc._execute_function_warm = execute_naming
