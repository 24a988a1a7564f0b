"""Wording that is always critical, and wording that only looks like it."""

import pytest

from classifiers.rules import alarms
from config.playbook_files import load_playbooks
from domain.playbook import Issue

FIRES = [
    ("fire_injury", "Your charger caught fire on my desk"),
    ("fire_injury", "The toaster started smoking and I got an electric shock"),
    ("fire_injury", "found glass shards in my salad"),
    ("medical", "We all had FOOD POISONING after your buffet"),
    ("self_harm", "I can't do this any more, I want to kill myself"),
    ("legal_press", "You will hear from my lawyer"),
    ("legal_press", "I'll sue you. See you in court."),
    ("data_leak", "I can see another customer's address in my account"),
    ("fraud", "my account has been hacked"),
    ("fire_injury", "Laturi syttyi palamaan yöllä"),
    ("fire_injury", "Sain siitä pahan sähköiskun"),
    ("medical", "Koko perhe sai teiltä ruokamyrkytyksen"),
    ("medical", "jouduin ruuastanne sairaalaan"),
    ("self_harm", "en jaksa enää elää"),
    ("legal_press", "Vien asian kuluttajariitalautakuntaan"),
    ("legal_press", "Teen teistä rikosilmoituksen"),
    ("data_leak", "näen sovelluksessa toisen asiakkaan tilaukset"),
    ("fraud", "Tililtäni on tehty luvattomia veloituksia"),
    ("fire_injury", "Lādētājs naktī aizdegās"),
    ("fire_injury", "bērnam iesita strāva"),
    ("medical", "Visi saindējāmies jūsu kafejnīcā"),
    ("self_harm", "vairs negribu dzīvot"),
    ("legal_press", "Vēršos PTAC un pie advokāta"),
    ("data_leak", "savā kontā redzu cita klienta datus"),
    ("fraud", "mans konts ir uzlauzts"),
    ("fire_injury", "Telefonen tok fyr i natt"),
    ("fire_injury", "datteren min fikk støt av lampen"),
    ("medical", "Vi fikk matforgiftning hos dere"),
    ("self_harm", "jeg orker ikke leve lenger"),
    ("legal_press", "Dette tar jeg til Forbrukerrådet, og jeg kontakter advokat"),
    ("data_leak", "jeg ser en annen kundes bestillinger"),
    ("fraud", "kontoen min er hacket"),
    ("fire_injury", "Ładowarka zapaliła się w nocy"),
    ("fire_injury", "syna poraził prąd"),
    ("medical", "po waszym obiedzie trafiliśmy do szpitala"),
    ("self_harm", "nie chcę już żyć"),
    ("legal_press", "Spotkamy się w sądzie"),
    ("legal_press", "zgłaszam sprawę do UOKiK"),
    ("data_leak", "po zalogowaniu widzę dane innego klienta"),
    ("fraud", "ktoś zhakował, konto zostało przejęte"),
    ("fire_injury", "Smoke was coming out of the kettle and it smells burnt"),
    ("fire_injury", "The charger gets so hot that the plastic melts and smoke comes out of it"),
    ("fire_injury", "My laptop smells of burning"),
    ("fire_injury", "It gets too hot to touch after ten minutes"),
    ("fire_injury", "There were sparks from the plug"),
    ("fire_injury", "Laturista tulee savua"),
    ("fire_injury", "Ladattava vatkain haisee palaneelle ja johto on sulanut"),
    ("fire_injury", "Laturi kuumenee niin, ettei siihen voi koskea"),
    ("fire_injury", "Pistorasiasta tuli kipinöitä"),
    ("fire_injury", "No lādētāja nāk dūmi"),
    ("fire_injury", "Tējkanna smird pēc deguma un vads ir izkusis"),
    ("fire_injury", "Lādētājs ir pārāk karsts, lai pieskartos"),
    ("fire_injury", "No rozetes lec dzirksteles"),
    ("fire_injury", "Det kommer røyk ut av laderen"),
    ("fire_injury", "Vannkokeren lukter svidd og ledningen har smeltet"),
    ("fire_injury", "Laderen blir for varm å ta på"),
    ("fire_injury", "Det kom gnister fra stikkontakten"),
    ("fire_injury", "Z ładowarki leci dym"),
    ("fire_injury", "Czajnik śmierdzi spalenizną, a kabel się stopił"),
    ("fire_injury", "Ładowarka jest tak gorąca, że nie da się dotknąć"),
    ("fire_injury", "Z gniazdka lecą iskry"),
]

QUIET = [
    "This phone is fire, love it 🔥",
    "I'm dying to try the new menu",
    "The staff killed it tonight, brilliant show",
    "My daughter burned through the battery playing games",
    "Your customer service is a joke and my parcel is late",
    "I would sue for peace and quiet in this train",
    "Tulinen meininki, mahtava keikka!",
    "Kuolin nauruun, paras mainos ikinä",
    "Sähkölasku nousi taas",
    "Ugunīgs koncerts, paldies!",
    "Nomiru no smiekliem",
    "Dere er dødsbra, takk!",
    "Strømregningen er høy igjen",
    "Umieram ze śmiechu, świetna reklama",
    "Rachunek za prąd znowu wyższy",
    "Kiedy otwieracie nowy sklep?",
    "The phone case is nice, smoke grey colour",
    "Smoke alarm sale this weekend, ovens and kettles too",
    "The coffee here smells burnt, pity",
    "Chocolate and music: sparks fly tonight",
    "Uunissa sulaa juusto, kohta syödään",
    "Tässä päätöksessä on palaneen käryä",
    "Telefonen tipser deg om nye tilbud",
]

HEARD = [
    ("en", "The charger caught fire last night"),
    ("en", "My battery exploded on the table"),
    ("en", "Smoke came out of the kettle"),
    ("en", "The toaster started smoking"),
    ("en", "Sparks came out of the plug"),
    ("en", "The cable melted"),
    ("en", "The heater smells burnt"),
    ("en", "The phone overheats all the time"),
    ("en", "The charger is too hot to touch"),
    ("fi", "Laturi syttyi palamaan"),
    ("fi", "Akku räjähti pöydällä"),
    ("fi", "Vedenkeittimestä nousi savua"),
    ("fi", "Leivänpaahdin alkoi savuta"),
    ("fi", "Pistokkeesta tuli kipinöitä"),
    ("fi", "Laturin johto suli"),
    ("fi", "Vatkain haisee palaneelle"),
    ("fi", "Puhelin ylikuumenee jatkuvasti"),
    ("fi", "Laite on liian kuuma koskettaa"),
]


@pytest.mark.parametrize(("rule", "text"), FIRES)
def test_fires_with_its_name_and_quotes_the_words(rule: str, text: str) -> None:
    fired = {alarm.rule: alarm for alarm in alarms(text)}
    assert rule in fired
    start, end = fired[rule].found.span
    assert text[start:end] == fired[rule].found.words
    assert fired[rule].found.words in fired[rule].reason


@pytest.mark.parametrize("text", QUIET)
def test_stays_quiet_on_ordinary_posts(text: str) -> None:
    assert alarms(text) == []


@pytest.mark.parametrize(("lang", "text"), HEARD)
def test_what_the_safety_playbook_hears_of_heat_and_smoke_is_flagged_too(lang: str, text: str) -> None:
    def hears(issue: Issue) -> bool:
        return any(p.search(text) for p in issue.match) and not any(p.search(text) for p in issue.unless)

    assert [issue for issue in load_playbooks().speech[lang].issues if issue.topic == "safety" and hears(issue)]
    assert "fire_injury" in [alarm.rule for alarm in alarms(text)]


def test_case_and_accents_do_not_matter() -> None:
    assert (
        [alarm.rule for alarm in alarms("SAHKOISKU")]
        == [alarm.rule for alarm in alarms("sähköisku")]
        == ["fire_injury"]
    )


def test_a_hundred_thousand_characters_take_no_time() -> None:
    assert alarms("my charger is a nice charger and " * 3_000) == []
