"""Which addresses outside content may lead to."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.guard import Guard, forbidden, resolve
from domain.errors import Refused, Unavailable


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe", "fec0::1",
    ],
)  # fmt: skip
def test_an_inside_address_is_forbidden(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert forbidden(address) is None


@given(st.ip_addresses(v=4))
@settings(max_examples=200)
def test_wrapping_an_address_in_ipv6_changes_nothing(address: ipaddress.IPv4Address) -> None:
    plain = forbidden(str(address))
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address))
        assert (forbidden(str(wrapped)) is None) == (plain is None)


def test_one_inside_address_among_good_ones_forbids_the_host() -> None:
    guard = Guard(lookup=lambda host, port: ["93.184.216.34", "127.0.0.1"])
    with pytest.raises(Refused, match="loopback"):
        guard.addresses("example.com", 80)


@pytest.mark.parametrize("spelling", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
def test_odd_spellings_of_loopback_are_forbidden(spelling: str) -> None:
    with pytest.raises(Refused, match="loopback"):
        Guard().addresses(spelling, 80)


def test_a_named_private_host_is_allowed_and_its_neighbour_is_not() -> None:
    guard = Guard(allow_private=["Crm.Internal."], lookup=lambda host, port: ["10.0.0.5"])
    assert guard.addresses("crm.internal", 80) == ["10.0.0.5"]
    with pytest.raises(Refused):
        guard.addresses("db.internal", 80)


def test_a_name_that_does_not_exist_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        resolve("no-such-host.invalid", 80)
    with pytest.raises(Unavailable):
        resolve("a" * 300, 80)
