locals {
  # What the gateway says by itself has the form of what our code says. A null message is AWS's own.
  _gateway_responses = {
    ACCESS_DENIED          = { status = "403", code = "forbidden", field = "source address", message = "this address may not call the API", remedy = "ask an operator to add it to the allowed addresses" }
    DEFAULT_4XX            = { status = null, code = "invalid", field = "request", message = null, remedy = "compare the request with GET /openapi.json" }
    DEFAULT_5XX            = { status = null, code = "internal", field = "server", message = null, remedy = "try again; if it persists, give an operator the x-amzn-requestid header" }
    INVALID_API_KEY        = { status = "403", code = "forbidden", field = "x-api-key", message = "the API key is missing or not valid", remedy = "send the key from your profile in the x-api-key header" }
    QUOTA_EXCEEDED         = { status = "429", code = "throttled", field = "x-api-key", message = "the key has used up its requests for today", remedy = "try again tomorrow, or ask an operator for a larger quota" }
    THROTTLED              = { status = "429", code = "throttled", field = "x-api-key", message = "too many requests in too short a time", remedy = "wait a second and try again" }
    UNAUTHORIZED           = { status = "401", code = "unauthorised", field = "Authorization", message = "the token is missing, forged or expired", remedy = "ask POST /token for a new one" }
    INTEGRATION_TIMEOUT    = { status = "504", code = "internal", field = "server", message = "the answer took longer than 29 seconds", remedy = "try again, with a smaller limit if it was a query" }
    REQUEST_TOO_LARGE      = { status = "413", code = "invalid", field = "body", message = "the request is larger than 10 MB", remedy = "send less at once; files go to the addresses the API gives for them" }
    RESOURCE_NOT_FOUND     = { status = "404", code = "not_found", field = "path", message = "there is no such route", remedy = "compare the path with GET /openapi.json" }
    INVALID_SIGNATURE      = { status = "401", code = "unauthorised", field = "Authorization", message = "the token is forged", remedy = "ask POST /token for a new one" }
    EXPIRED_TOKEN          = { status = "401", code = "unauthorised", field = "Authorization", message = "the token is expired", remedy = "ask POST /token for a new one" }
    AUTHORIZER_FAILURE     = { status = "500", code = "internal", field = "server", message = "the token could not be checked", remedy = "try again" }
    UNSUPPORTED_MEDIA_TYPE = { status = "415", code = "invalid", field = "content-type", message = "the API reads JSON only", remedy = "send content-type: application/json" }
  }
}

resource "aws_api_gateway_gateway_response" "this" {
  for_each = local._gateway_responses

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key
  status_code   = each.value.status

  response_templates = {
    "application/json" = format(
      "{\"code\":%s,\"field\":%s,\"message\":%s,\"remedy\":%s}",
      jsonencode(each.value.code),
      jsonencode(each.value.field),
      # messageString is AWS's text already in quotation marks.
      each.value.message == null ? "$context.error.messageString" : jsonencode(each.value.message),
      jsonencode(each.value.remedy),
    )
  }
}
