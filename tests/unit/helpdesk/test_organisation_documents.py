"""The documented example and the demo are organisations; what the document says of defaults is so."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter
from ruamel.yaml import YAML

from helpdesk.demo import ORGANISATION
from helpdesk.organisation import read, summary, warnings
from helpdesk.organisation.fields import SECTIONS
from schemas import organisation as model
from schemas.organisation import DEFAULT_LADDER, Organisation, Step
from services.routing.calendars import build

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DOCUMENT = Path(__file__).parents[3] / "docs" / "organisation.md"


@pytest.fixture(scope="module")
def demo() -> Organisation:
    return read(ORGANISATION, NOW)


def _fenced(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_the_smallest_file_of_the_document_can_be_loaded_without_a_warning() -> None:
    assert warnings(read(_fenced("yaml"), NOW)) == ()


def test_the_default_ladder_of_the_document_is_the_default_ladder() -> None:
    steps = YAML(typ="safe", pure=True).load(_fenced("yaml ladder"))
    assert TypeAdapter(tuple[Step, ...]).validate_python(steps) == DEFAULT_LADDER


PARTS = (*SECTIONS.values(), Organisation, model.Target, Step, model.AuthoritySpec)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_field_is_in_the_document(part: type[BaseModel]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [field for field in part.model_fields if f"`{field}`" not in text] == []


def test_the_demo_loads_with_no_problem_and_lacks_only_where_its_chat_is_answered(demo: Organisation) -> None:
    assert warnings(demo) == ('Answers to the chats of the account "demo" are shown on the status page alone; give it a callback_url.',)


def test_loading_the_demo_twice_gives_equal_organisations(demo: Organisation) -> None:
    assert read(ORGANISATION, NOW) == demo


def test_the_demo_says_in_a_few_lines_what_it_is(demo: Organisation) -> None:
    assert summary(demo) == (
        "General Department of Vietnam Customs (Tổng cục Hải quan Việt Nam)",
        "14 units, 13 groups, 9 topics, 5 rules",
        "40 officers: 13 leads, 7 supervisors, 1 administrator, 1 auditor",
        "2 calendars: office, around-the-clock",
        "5 policies: border-gate, urgent, members, high, standard",
        "5 members: gold, silver",
        "1 chat account; what no rule matches goes to Business support focal point, Reform and Modernisation Board",
    )


def test_in_the_demo_the_people_the_readme_names_do_what_it_says(demo: Organisation) -> None:
    people = {officer.key: officer for officer in demo.officers}
    groups = {group.key: group for group in demo.groups}
    assert people["lan"].groups == people["minh"].groups == ("hon-gai-seaport",)
    assert groups["hon-gai-seaport"].lead == "minh"
    assert people["hoa"].supervises == ("quang-ninh",)
    assert people["binh"].groups == (demo.focal_point,)
    assert groups[demo.focal_point].mailbox == "helpdesk@customs.example"
    assert people["admin"].roles == ("administrator",)
    assert people["auditor"].roles == ("auditor",)


def test_in_the_demo_every_group_has_a_mailbox_two_officers_and_a_supervisor(demo: Organisation) -> None:
    for group in demo.groups:
        assert (group.mailbox or "").endswith("@customs.example")
        assert sum(group.key in officer.groups for officer in demo.officers) >= 2
        assert any(set(officer.supervises) & set(demo.ancestors(group.unit)) for officer in demo.officers)


@pytest.mark.parametrize(
    ("key", "start", "span", "due"),
    [
        # Friday 2 January 2026 is off, and Monday's first hour ends at 09:00 in Ha Noi, 02:00 UTC.
        ("office", datetime(2026, 1, 2, 2, tzinfo=UTC), timedelta(hours=1), datetime(2026, 1, 5, 2, tzinfo=UTC)),
        # Saturday 10 January 2026 is worked: an hour from Friday 16:30 ends on Saturday at 08:30.
        ("office", datetime(2026, 1, 9, 9, 30, tzinfo=UTC), timedelta(hours=1), datetime(2026, 1, 10, 1, 30, tzinfo=UTC)),
        ("around-the-clock", datetime(2026, 2, 17, 20, tzinfo=UTC), timedelta(hours=2), datetime(2026, 2, 17, 22, tzinfo=UTC)),
    ],
)
def test_the_demo_calendars_know_the_swap_of_january_2026_and_the_border_gate_never_closes(
    demo: Organisation, key: str, start: datetime, span: timedelta, due: datetime
) -> None:
    spec = demo.calendar(key)
    assert spec is not None
    assert build(spec).add(start, span) == due
