"""Looking things up in the organisation."""

from tests.support.organisations import as_written, officer, organisation


def test_what_is_there_is_found_by_its_key_and_nothing_else() -> None:
    org = organisation()
    assert all(org.unit(spec.key) is spec for spec in org.units)
    assert all(org.officer(spec.key) is spec for spec in org.officers)
    assert all(org.policy(spec.key) is spec for spec in org.policies)
    assert (org.unit("gone"), org.topic("gone"), org.group("gone"), org.policy("gone"), org.calendar("gone")) == (None,) * 5


def test_units_know_their_way_up_even_in_a_circle() -> None:
    org = organisation()
    assert org.ancestors("hon-gai") == ("hon-gai", "quang-ninh", "general")
    assert org.ancestors("gone") == ()
    written = as_written()["units"]
    circle = organisation(units=[{**spec, "parent": "hon-gai"} if spec["key"] == "general" else spec for spec in written])
    assert circle.ancestors("hon-gai") == ("hon-gai", "quang-ninh", "general")


def test_groups_of_a_unit_and_members_of_a_group_come_in_the_order_of_the_file() -> None:
    org = organisation()
    assert [spec.key for spec in org.groups_of("hon-gai")] == ["hon-gai"]
    assert [spec.key for spec in org.members_of("hon-gai")] == ["hong", "hai", "hung"]
    assert (org.groups_of("general"), org.members_of("gone")) == ((), ())


def test_a_changed_copy_is_looked_up_anew_and_lookups_are_no_part_of_the_value() -> None:
    org = organisation()
    before = org.model_dump_json()
    assert org.officer("hai") is not None
    copy = org.model_copy(update={"officers": organisation(officers=[officer("moi", "focal")]).officers})
    assert (copy.officer("hai"), copy.officer("moi") is not None) == (None, True)
    assert org.model_dump_json() == before
    assert org == organisation()
