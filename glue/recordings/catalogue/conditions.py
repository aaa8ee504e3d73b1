"""How the conditions of a query are put in SQL, so that they stay fast as recordings grow.

Conditions on the same name form one group, for one row of `attribute` must fulfil them all: the
two ends of a range are common each, and together rare. Values of all names share the columns
`number` and `text`, so no statistics say how many recordings fulfil a group. Hence the matches of
each are counted first, up to a bound, and the counts decide between these ways:

- start: the search starts from the matches of the rarest group, and checks the other groups;
- walk: no group is rare; recordings are checked in the order of their names, up to a bound;
- gather: the walk did not fill the page; all the matches of the rarest group, or of the two
  rarest, are gathered and intersected, and the other groups checked;
- plain: the choice is left to the database. Redshift has no indexes, and its own ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glue.recordings.catalogue.engine import Row, Statement, Value
from glue.recordings.catalogue.schema import INDEXED_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glue.recordings.query import Condition

EVERYTHING = 1_000_000_000
RARE = 1000  # up to so many matches, a search starts from them
COMMON = 30_000  # up to so many matches are counted to tell which groups to gather
SAMPLE = 1000  # rows looked at to learn how many fulfil what no index helps with
SELDOM = 0.05  # a smaller share of them is worth looking at all
MOST_GATHERED = 2  # groups
SHORT = f"length(a.text) <= {INDEXED_LENGTH}"
LONG = f"length(a.text) > {INDEXED_LENGTH}"
START = f"left(a.text, {INDEXED_LENGTH})"
COMPARISONS = ("=", "<", "<=", ">", ">=")  # what an index finds
SEARCHES = ("contains", "!=")  # what it does not find


@dataclass(frozen=True, slots=True)
class Group:
    """All conditions on one name; `number` tells its parameters from those of other groups."""

    number: int
    name: str
    conditions: tuple[Condition, ...]

    @property
    def compared(self) -> Group:
        """The same group with only those conditions that an index helps with."""
        some = tuple(c for c in self.conditions if c.operator in COMPARISONS)
        return Group(self.number, self.name, some)

    @property
    def searched(self) -> bool:
        """Whether there are conditions for which each value has to be looked at."""
        return any(c.operator in SEARCHES for c in self.conditions)


@dataclass(frozen=True, slots=True)
class Where:
    """What a row `r` of `recording` must fulfil: SQL, and its parameters."""

    text: str
    parameters: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Way:
    """How to search: `checks` are asked of each recording that fulfils `kept`, by name.

    With `among`, of so many recordings at most.
    """

    kept: tuple[Where, ...] = ()
    checks: tuple[Where, ...] = ()
    among: int = EVERYTHING


def group_conditions(conditions: Sequence[Condition]) -> list[Group]:
    """Return the conditions by name, in the order in which the names come first."""
    names = dict.fromkeys(condition.name for condition in conditions)
    return [
        Group(i, name, tuple(dict.fromkeys(c for c in conditions if c.name == name)))
        for i, name in enumerate(names)
    ]


def _matches(group: Group) -> tuple[str, dict[str, Value]]:
    """Return what a row `a` of `attribute` must fulfil, and the parameters of that."""
    name = f"name{group.number}"
    texts = [f"a.name = :{name}"]
    parameters: dict[str, Value] = {name: group.name}
    for i, condition in enumerate(group.conditions):
        operator, value = condition.operator, f"value{group.number}_{i}"
        if operator == "exists":
            continue
        parameters[value] = condition.value
        if operator == "contains":
            texts.append(f"strpos(a.text, cast(:{value} as varchar(16384))) > 0")
        elif not isinstance(condition.value, str):
            sign = "<>" if operator == "!=" else operator
            texts.append(f"a.number {sign} cast(:{value} as double precision)")
        elif operator == "!=":
            texts.append(f"a.text <> :{value}")
        elif len(condition.value) <= INDEXED_LENGTH:
            texts.append(f"{SHORT} and a.text = :{value}")
        else:
            start = f"start{group.number}_{i}"
            parameters[start] = condition.value[:INDEXED_LENGTH]
            texts.append(f"{LONG} and {START} = :{start} and a.text = :{value}")
    return " and ".join(texts), parameters


def weigh_groups(groups: Sequence[Group], *, count: bool) -> Statement:
    """Return, in one row, what is stored under each group's name, and how many match.

    `number<i>` and `text<i>` are the least number and text; either is null when the attribute
    has no value of that type. With `count`, `count<i>` is the number of rows that fulfil what an
    index can find of the group, at least the name, counted up to `RARE` + 1: no fewer than the
    matches.
    """
    parts: list[str] = []
    parameters: dict[str, Value] = {}
    for group in groups:
        i = group.number
        parameters[f"name{i}"] = group.name
        named = f"from attribute a where a.name = :name{i}"
        parts.append(f"(select min(a.number) {named}) as number{i}")
        parts.append(
            f"coalesce((select min(a.text) {named} and {SHORT}), "
            f"(select min({START}) {named} and {LONG})) as text{i}"
        )
        if count:
            counted, more = _counted(group, RARE)
            parts.append(counted)
            parameters |= more
    return Statement(f"select {', '.join(parts)}", parameters)


def weigh_common(groups: Sequence[Group]) -> Statement:
    """Return, in one row, what `estimates` makes of many matches."""
    parts: list[str] = []
    parameters: dict[str, Value] = {}
    for group in groups:
        counted, more = _counted(group, COMMON)
        parts.append(counted)
        parameters |= more
        if group.searched:
            i, (matches, more) = group.number, _matches(group)
            parts.append(
                "(select count(*) from (select a.name, a.number, a.text from attribute a "  # noqa: S608
                f"where a.name = :name{i} order by a.number, a.recording limit {SAMPLE}) a "
                f"where {matches}) as sampled{i}"
            )
            parameters |= more
    return Statement(f"select {', '.join(parts)}", parameters)


def estimates(groups: Sequence[Group], row: Row) -> list[int]:
    """Return about how many match each group, from the row of `weigh_common`."""
    counts = {group.number: int(row[f"count{group.number}"]) for group in groups}
    for group in groups:
        if group.searched:
            share = int(row[f"sampled{group.number}"]) / SAMPLE
            if share < SELDOM:
                counts[group.number] = round(share * counts[group.number])
    return [counts[group.number] for group in groups]


def _counted(group: Group, most: int) -> tuple[str, dict[str, Value]]:
    """Return a column that counts what an index finds of a group, up to `most` + 1.

    The order makes PostgreSQL walk the index on the name: for a name and a value its statistics
    know no common figure, and without an order it may read the whole table in the hope of a
    quick find.
    """
    compared = group.compared
    matches, parameters = _matches(compared)
    counted = (
        "(select count(*) from (select a.recording from attribute a "  # noqa: S608
        f"where {matches} order by {_order(compared)} limit {most + 1}) p) as count{group.number}"
    )
    return counted, parameters


def _order(group: Group) -> str:
    """Return the column of the index that finds the matches of a group."""
    texts = [c.value for c in group.conditions if isinstance(c.value, str)]
    if not texts:
        return "a.number"
    return "a.text" if len(texts[0]) <= INDEXED_LENGTH else START


def _found(group: Group) -> tuple[str, dict[str, Value]]:
    matches, parameters = _matches(group)
    return f"select a.recording from attribute a where {matches}", parameters  # noqa: S608


def _put_check(group: Group) -> Where:
    matches, parameters = _matches(group)
    # A semi-join would tempt the planner to collect all the matches first; a scalar subquery is
    # evaluated row by row, until the page is full. What a value must fulfil stays out of its
    # `where`, lest the planner read a whole range of an index on values for each recording.
    count = (
        f"select count(case when {matches} then 1 end) from attribute a "  # noqa: S608
        f"where a.recording = r.recording and a.name = :name{group.number}"
    )
    return Where(f"({count}) > 0", parameters)


def _put_gathered(group: Group) -> tuple[str, dict[str, Value]]:
    found, parameters = _found(group)
    if group.searched and any(isinstance(c.value, str) for c in group.conditions):
        # Each half reads one index; the table's rows would take several times as long.
        return f"{found} and {SHORT} union all {found} and {LONG}", parameters
    return found, parameters


def plain(groups: Sequence[Group]) -> Way:
    """Leave it to the database how the recordings are found."""
    found = [_found(group) for group in groups]
    return Way(tuple(Where(f"r.recording in ({text})", more) for text, more in found))


def start(groups: Sequence[Group], counts: Sequence[int]) -> Way:
    """Start from the matches of the rarest group."""
    rarest = min(groups, key=lambda group: counts[group.number])
    found, parameters = _found(rarest)
    # The limit tells the planner how few they are; it leaves room for what arrives meanwhile.
    limit = 2 * counts[rarest.number] + 64
    others = tuple(_put_check(group) for group in groups if group is not rarest)
    return Way((Where(f"r.recording in ({found} limit {limit})", parameters),), others)


def walk(groups: Sequence[Group], among: int) -> Way:
    """Check the first recordings by name."""
    return Way((), tuple(_put_check(group) for group in groups), among)


def gather(groups: Sequence[Group], counts: Sequence[int]) -> Way:
    """Gather and intersect the matches of the rarest groups.

    A recording has one row of each name, so it fulfils as many groups as it has rows gathered.
    Counting them costs the same whatever the planner believes; a join of the groups may cost
    their product.
    """
    order = sorted(groups, key=lambda group: (counts[group.number], group.searched))
    gathered = order[: 1 if counts[order[0].number] <= RARE else MOST_GATHERED]
    found = [_put_gathered(group) for group in gathered]
    text = f"select m.recording from ({' union all '.join(text for text, _ in found)}) m"  # noqa: S608
    if len(found) > 1:
        text += f" group by m.recording having count(*) = {len(found)}"
    parameters = {name: value for _, more in found for name, value in more.items()}
    # The limit keeps the planner from asking for each recording anew.
    kept = Where(f"r.recording in ({text} limit {EVERYTHING})", parameters)
    return Way((kept,), tuple(_put_check(group) for group in groups if group not in gathered))
