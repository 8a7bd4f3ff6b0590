"""Kafka's class path holds the jars of our list and no other byte."""

import hashlib
from pathlib import Path

import pytest

from helpdesk.embedded.errors import MissingPartError, TamperedJarError
from helpdesk.embedded.jars import LIST, JarStore, read_list


def upstream(folder: Path, **contents: str) -> list[Path]:
    folder.mkdir()
    jars = [folder / f"{name}.jar" for name in contents]
    for jar, content in zip(jars, contents.values(), strict=True):
        jar.write_text(content)
    return jars


def digests(jars: list[Path]) -> dict[str, str]:
    return {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jars}


def offline() -> list[Path]:
    raise AssertionError("resolved although every jar was there")


def test_our_list_names_kafka_and_its_logger_once_each_with_a_whole_digest() -> None:
    listed = read_list(LIST)
    assert "kafka_2.13-4.3.0.jar" in listed
    assert "slf4j-simple-1.7.36.jar" in listed
    assert len(listed) == len(LIST.read_text().splitlines())
    assert {len(digest) for digest in listed.values()} == {64}


def test_the_first_start_fetches_and_the_second_resolves_nothing(tmp_path: Path) -> None:
    jars = upstream(tmp_path / "m2", a="one", b="two")
    first = JarStore(tmp_path / "ours", digests(jars), lambda: jars).classpath()
    assert first == JarStore(tmp_path / "ours", digests(jars), offline).classpath()
    assert sorted(Path(part).name for part in first.split(":")) == ["a.jar", "b.jar"]


def test_a_jar_the_list_does_not_know_never_gets_on_the_class_path(tmp_path: Path) -> None:
    jars = upstream(tmp_path / "m2", a="one", stowaway="two")
    store = JarStore(tmp_path / "ours", digests(jars[:1]), lambda: jars)
    assert "stowaway" not in store.classpath()
    assert [jar.name for jar in (tmp_path / "ours").iterdir()] == ["a.jar"]


def test_a_jar_changed_before_the_first_start_is_refused_by_name_and_not_kept(tmp_path: Path) -> None:
    jars = upstream(tmp_path / "m2", a="one", b="two")
    expected = digests(jars)
    jars[1].write_text("changed")
    with pytest.raises(TamperedJarError, match=r"^b\.jar is not the jar it should be"):
        JarStore(tmp_path / "ours", expected, lambda: jars).classpath()
    assert not (tmp_path / "ours" / "b.jar").exists()


def test_a_jar_changed_after_the_first_start_is_refused_by_name(tmp_path: Path) -> None:
    jars = upstream(tmp_path / "m2", a="one", b="two")
    store = JarStore(tmp_path / "ours", digests(jars), lambda: jars)
    store.classpath()
    (tmp_path / "ours" / "a.jar").write_text("changed")
    with pytest.raises(TamperedJarError, match=r"^a\.jar is not the jar it should be"):
        store.classpath()


def test_a_change_in_the_resolvers_cache_does_not_reach_ours(tmp_path: Path) -> None:
    jars = upstream(tmp_path / "m2", a="one")
    store = JarStore(tmp_path / "ours", digests(jars), lambda: jars)
    store.classpath()
    jars[0].write_text("changed")
    store.classpath()


def test_a_jar_that_was_not_resolved_is_named(tmp_path: Path) -> None:
    jars = upstream(tmp_path / "m2", a="one", b="two")
    with pytest.raises(MissingPartError, match=r"^b\.jar is on the list"):
        JarStore(tmp_path / "ours", digests(jars), lambda: jars[:1]).classpath()
