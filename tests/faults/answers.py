"""Strategies for server responses: API objects with arbitrary values, errors, odd headers, and raw bytes."""

from __future__ import annotations

from hypothesis import strategies as st

from airflow_provider_engagevoice.models.campaign import Account, Campaign, Country, DialGroup
from tests.faults.fuzz import encoded, jsons, objects, texts

ids = st.integers(1, 6) | st.sampled_from(["1", 1.0, True, 2**70, None])
names = st.sampled_from(["Renewals", "Holiday Renewals", ""]) | texts
campaigns = objects(sorted(Campaign.model_fields), campaignId=ids, campaignName=names)
groups = objects(sorted(DialGroup.model_fields), dialGroupId=ids, dialGroupName=names)
parents = st.builds(
    lambda group, inside: {**group, "campaigns": inside}, groups, st.lists(campaigns, max_size=3) | jsons
)
accounts = objects(sorted(Account.model_fields), accountId=ids)
countries = objects(sorted(Country.model_fields), countryId=texts)
anything = campaigns | groups | parents | accounts | countries | jsons
answers = (
    anything
    | st.lists(campaigns, max_size=4)
    | st.lists(parents, max_size=3)
    | st.lists(anything, max_size=3)
)

error_bodies = st.fixed_dictionaries(
    {},
    optional={
        "generalMessage": jsons,
        "details": texts,
        "errorCode": jsons,
        "error": jsons,
        "error_description": texts,
        "validationErrors": jsons
        | st.lists(
            st.fixed_dictionaries({}, optional={"attributeName": jsons, "message": jsons, "value": jsons})
        ),
    },
)
odd_bodies = st.sampled_from(
    [
        b"",
        b"null",
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b"9" * 5000,
        b"1e999",
        b"NaN",
        b" <html>",
        b"\xff\xfe",
        b'"\\ud83d"',
    ]
) | st.binary(max_size=60)
bodies = st.one_of(answers.map(encoded), error_bodies.map(encoded), odd_bodies)

numbers = st.integers(0, 10**20).map(str) | st.from_regex(r"[0-9]{1,400}(\.[0-9]{1,20})?", fullmatch=True)
http_dates = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Wed", "Mon", ""]),
    st.integers(-1, 40),
    st.sampled_from(["Jan", "Oct", "Dec", "13"]),
    st.sampled_from([0, 1, 49, 99, 1969, 2015, 2038, 9999, 10000, 10**7, 10**12, 10**25]),
    st.integers(0, 25) | st.just(10**20),
    st.integers(0, 61),
    st.integers(0, 61),
    st.sampled_from(["GMT", "UTC", "-0000", "+9999", "-2359", "+99999999999", "PST", "", "X"]),
)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


retry_afters = (numbers | http_dates | texts).map(_utf8)
content_types = st.sampled_from(
    [b"application/json", b"text/plain", b"text/html", b"text/plain; charset=utf-16", b"", b";", b"\xff"]
) | st.sampled_from(
    ["hex", "base64", "idna", "punycode", "undefined", "rot13", "zip", "utf-7", "x" * 99, "\x00"]
).map(lambda charset: f"text/plain; charset={charset}".encode())
encodings = st.sampled_from([b"gzip", b"deflate", b"br", b"zstd", b"gzip, deflate", b"identity", b"nothing"])
locations = st.sampled_from(
    [
        b"/login",
        b"https://",
        b"http://[",
        b"http://[::1",
        b"//:99999999",
        b"http://host:port/",
        b"\xff\xfe",
        b"mailto:x",
    ]
) | st.binary(max_size=20)
cookies = st.sampled_from([b"a=b; expires=never", b"=", b"a=b; max-age=" + b"9" * 400, b";;;"]) | st.binary(
    max_size=20
)
some_headers = st.lists(
    st.tuples(st.just(b"retry-after"), retry_afters)
    | st.tuples(st.just(b"content-type"), content_types)
    | st.tuples(st.just(b"content-encoding"), encodings)
    | st.tuples(st.just(b"location"), locations)
    | st.tuples(st.just(b"set-cookie"), cookies)
    | st.tuples(
        st.sampled_from([b"x-rate-limit-window", b"content-length", b"www-authenticate"]),
        texts.map(_utf8),
    ),
    max_size=4,
)
statuses = st.sampled_from(
    [200, 201, 202, 204, 301, 304, 400, 401, 403, 404, 405, 409, 422, 429, 500, 501, 503]
) | (st.integers(200, 999))

# Raw bytes over a connection

header_lines = st.sampled_from(
    [
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 5, 6",
        b"Content-Length: " + b"9" * 400,
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: nonsense",
        b"Connection: close",
        b"Content-Encoding: gzip",
        b"Location: http://[",
        b"Retry-After: Wed, 21 Oct 99999999999 07:28:00 GMT",
        b": nameless",
        b"folded\r\n more",
    ]
) | st.binary(max_size=20)
status_lines = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 429 ",
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 999 ?",
        b"HTTP/2 200",
        b"ICY 200 OK",
    ]
) | st.binary(max_size=20)
raw_answers = st.builds(
    lambda status, lines, body: b"\r\n".join([status, *lines, b"", body]),
    status_lines,
    st.lists(header_lines, max_size=4),
    odd_bodies | st.sampled_from([b"5\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFFF\r\n", b"-1\r\n", b"{}"]),
) | st.binary(max_size=80)
