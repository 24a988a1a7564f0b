"""Settings: every wrong value stops the start in one line that says where it is and what is allowed."""

from pathlib import Path

import pytest

from config.settings import load
from domain.errors import Invalid


def refused(tmp_path: Path, toml: str) -> str:
    path = tmp_path / "amends.toml"
    path.write_text(toml, "utf-8")
    with pytest.raises(Invalid) as caught:
        load({"AMENDS_CONFIG": str(path)})
    message = str(caught.value)
    assert "\n" not in message and "amends.toml" in message
    return message


def loaded(tmp_path: Path, toml: str, **environ: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "amends.toml"
    path.write_text(toml, "utf-8")
    return load({"AMENDS_CONFIG": str(path)} | environ)


def test_nothing_said_is_enough() -> None:
    settings = load({})
    assert (settings.data, settings.model, settings.database_url) == (Path("data"), "amends", "")
    assert settings.policy.first_response["urgent"] == 15


def test_tables_are_merged_and_values_replaced(tmp_path: Path) -> None:
    settings = loaded(tmp_path, '[classifier]\nmodel = "rules"\n[sla.first_response]\nurgent = 5\n')
    assert (settings.model, settings.threads) == ("rules", 2)
    assert (settings.policy.first_response["urgent"], settings.policy.first_response["high"]) == (5, 60)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('dta = "x"', ["dta is not a setting", "did you mean data?"]),
        ('[classifier]\nmodle = "x"', ["classifier.modle", "model, threads"]),
        ('[[sources]]\nname = "a"\nplatfrom = "feed"', ["sources.0.platform is missing"]),
        ('[[sources]]\nname = "a"\nplatform = "feed"\nurl = "x"', ["sources.0.url is not a setting", "base_url"]),
        ("data = 3", ["data = 3", "text in quotes"]),
        ('classifier = "x"', ["classifier = 'x'", "table"]),
        ('[classifier]\nthreads = "2"', ["classifier.threads = '2'", "whole number"]),
        ("[classifier]\nthreads = 0", ["classifier.threads = 0", "greater than or equal to 1"]),
        ("[classifier]\nthreads = true", ["classifier.threads = True"]),
        ('log = "loud"', ["log = 'loud'", "'debug', 'info', 'warning' or 'error'"]),
        ('brands = "Nordvik"', ["brands = 'Nordvik'", "list"]),
        ('public_url = "amends.example.com"', ["public_url", "https://amends.example.com"]),
        ('public_url = "https://[::1"', ["public_url"]),
        ('[sla]\nholidays = ["Christmas"]', ["sla.holidays.0 = 'Christmas'"]),
        ("[sla.first_response]\nurgent = 0", ["urgent = 0", "1 to 525600"]),
        ('[sla.first_response]\nurgent = "5"', ["sla.first_response.urgent = '5'"]),
        ("[sla.resolution]\nsoon = 5", ["'soon'", "urgent, high, normal, low"]),
        ("x = ", ["not TOML", "Invalid value"]),
    ],
)
def test_a_wrong_value_names_its_key_its_place_and_what_is_allowed(tmp_path: Path, toml: str, says: list[str]) -> None:
    message = refused(tmp_path, toml)
    for part in says:
        assert part in message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('every = "often"', "sources.0.every = 'often'"),
        ('every = "-5m"', "number and s, m, h or d"),
        ("every = true", "sources.0.every = True"),
        ("every = 1.5", "sources.0.every = 1.5"),
        ("every = 1", "every must be 5 to 604800 seconds"),
        ('every = "30d"', "every must be 5 to 604800 seconds"),
        ('name = "My Source"', "lower-case"),
        ('name = ""', "lower-case"),
        ("name = 3", "sources.0.name = 3"),
        ("options = { a = [1] }", "a must be text, a number, true or false"),
    ],
)
def test_a_wrong_source_is_refused(tmp_path: Path, line: str, says: str) -> None:
    keys = {"name": '"blog"', "platform": '"feed"'}
    keys.pop(line.split(" ")[0], None)
    toml = "[[sources]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) + line
    assert says in refused(tmp_path, toml)


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, '[[sources]]\nname = "a"\nplatform = "feed"\n' * 2)
    assert "two sources are called a" in message


def test_a_pace_is_a_number_or_has_a_unit(tmp_path: Path) -> None:
    paces = ['"90s"', '"5m"', '"2 h"', '"1d"', "60"]
    toml = "".join(
        f'[[sources]]\nname = "s{n}"\nplatform = "feed"\nevery = {pace}\n[sources.options]\nn = 1\nflag = true\n'
        for n, pace in enumerate(paces)
    )
    specs = loaded(tmp_path, toml).sources
    assert [spec.every_s for spec in specs] == [90, 300, 7200, 86400, 60]
    assert all(spec.trusted and spec.options == {"n": 1, "flag": True} for spec in specs)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(Invalid, match=r"AMENDS_CONFIG=.*cannot be read"):
            load({"AMENDS_CONFIG": str(path)})
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'data = "\xe4"')
    with pytest.raises(Invalid, match="not TOML"):
        load({"AMENDS_CONFIG": str(latin)})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("AMENDS_DTA", "did you mean AMENDS_DATA"),
        ("AMENDS_DATABASE", "did you mean AMENDS_DATABASE_URL"),
        ("AMENDS_XYZZY", "there are AMENDS_CONFIG, "),
        ("AMENDS_REDIS_URL", "not used by this version"),
        ("AMENDS_SECRET_KEY_FILE", "not used by this version"),
        ("AMENDS_SECRET_BLOG_TOKEN", "AMENDS_SECRET_<SOURCE>__<KEY>"),
    ],
)
def test_a_variable_that_is_no_setting_stops_the_start(name: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        load({name: "x", "PATH": "/bin"})
    assert str(caught.value).startswith(name) and says in str(caught.value)


def test_an_empty_variable_is_none() -> None:
    assert load({"AMENDS_DATA": "", "AMENDS_PUBLIC_URL": "", "AMENDS_REDIS_URL": ""}).data == Path("data")


def test_a_public_address_is_checked(tmp_path: Path) -> None:
    assert load({"AMENDS_PUBLIC_URL": "https://amends.example.com/"}).public_url == "https://amends.example.com"
    for wrong in ("amends.example.com", "ftp://x", "https://x?y", "https://", "https://[::1"):
        with pytest.raises(Invalid, match=r"AMENDS_PUBLIC_URL.*https://amends"):
            load({"AMENDS_PUBLIC_URL": wrong})


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    held = tmp_path / "url"
    held.write_text("sqlite:////tmp/x.sqlite\n")
    assert load({"AMENDS_DATABASE_URL_FILE": str(held)}).database_url == "sqlite:////tmp/x.sqlite"
    with pytest.raises(Invalid, match=r"AMENDS_DATABASE_URL_FILE=.*none: cannot be read"):
        load({"AMENDS_DATABASE_URL_FILE": str(tmp_path / "none")})


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    toml = 'data = "from-file"\n'
    assert loaded(tmp_path, toml).data == Path("from-file")
    assert loaded(tmp_path, toml, AMENDS_DATA="from-environment").data == Path("from-environment")
    assert load({"AMENDS_DATA": "from-environment"}, data=Path("given")).data == Path("given")
    assert load({"AMENDS_DATA": "~/amends"}).data.is_absolute()


def test_secrets_are_read_by_source_and_never_shown(tmp_path: Path) -> None:
    held = tmp_path / "token"
    held.write_text("from-a-file\n")
    settings = load(
        {
            "AMENDS_SECRET_OUR_BLOG__USER": "amends",
            "AMENDS_SECRET_OUR_BLOG__TOKEN_FILE": str(held),
            "AMENDS_SECRET_OUR_BLOG_2__USER": "other",
        }
    )
    assert settings.secrets_of("our-blog") == {"USER": "amends", "TOKEN": "from-a-file"}
    assert settings.secrets_of("our") == {}
    assert "from-a-file" not in repr(settings) and "AMENDS_SECRET" not in repr(settings)
