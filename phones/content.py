"""Twilio's Content API: what a WhatsApp message may look like, and Meta's yes or no to it.

Here the answer comes at once. Limits as published by Twilio and Meta for WhatsApp.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from phones.state import Button

VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
CATEGORIES: Final = ("UTILITY", "MARKETING", "AUTHENTICATION")
BODY_LIMITS: Final = {"twilio/text": 1600}
BODY_LIMIT: Final = 1024
BUTTONS_APPROVED, BUTTONS_IN_SESSION = 10, 3
TYPES: Final = frozenset(
    {
        "twilio/text",
        "twilio/media",
        "twilio/quick-reply",
        "twilio/list-picker",
        "twilio/call-to-action",
        "twilio/card",
        "twilio/location",
        "twilio/carousel",
        "twilio/catalog",
        "twilio/flows",
        "whatsapp/card",
        "whatsapp/authentication",
    }
)
IN_SESSION_ONLY: Final = frozenset({"twilio/list-picker", "twilio/location"})
_META_CODES: Final = (
    "af sq ar ar_AE ar_EG ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da "
    "prs_AF nl nl_BE en en_AE en_AU en_CA en_GB en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG "
    "en_UG en_US en_ZA et fil fi fr fr_BE fr_CA fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he "
    "hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr nb ps_AF fa pl pt_BR pt_PT pa "
    "ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_ES es_HN es_MX es_PA es_PE "
    "es_UY sw sv ta te th tr uk ur uz vi zu"
)
META_LANGUAGES: Final = frozenset(_META_CODES.split())
"""Codes Meta takes for a template; case-sensitive. No ti, so, am, ku or pap."""


class Refusal(Exception):
    """Twilio says no at once: HTTP status, its own code, and its sentence."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass
class Approval:
    """Meta's judgement on a template."""

    name: str
    category: str
    content_type: str
    status: str
    rejection_reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as the Content API does."""
        return {
            "type": "whatsapp",
            "name": self.name,
            "category": self.category,
            "content_type": self.content_type,
            "status": self.status,
            "rejection_reason": self.rejection_reason,
            "allow_category_change": True,
        }


@dataclass
class Content:
    """One content resource: types by name, in one language, with sample values."""

    sid: str
    friendly_name: str
    language: str
    variables: dict[str, str]
    types: dict[str, dict[str, Any]]
    created: datetime
    approval: Approval | None = None

    @property
    def kind(self) -> str:
        """The type WhatsApp shows: the richest that is there, plain text last."""
        return next((kind for kind in self.types if kind != "twilio/text"), "twilio/text")

    @property
    def approved(self) -> bool:
        """Whether it may be sent outside the 24-hour window."""
        return self.approval is not None and self.approval.status == "approved"

    def as_json(self, account: str, origin: str) -> dict[str, Any]:
        """Return it as the Content API does."""
        url = f"{origin}/v1/Content/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": account,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "variables": self.variables,
            "types": self.types,
            "date_created": f"{self.created:%Y-%m-%dT%H:%M:%SZ}",
            "date_updated": f"{self.created:%Y-%m-%dT%H:%M:%SZ}",
            "url": url,
            "links": {
                "approval_create": f"{url}/ApprovalRequests/whatsapp",
                "approval_fetch": f"{url}/ApprovalRequests",
            },
        }


@dataclass
class Rendered:
    """A content with its values filled in."""

    text: str
    buttons: list[Button] = field(default_factory=list)
    media_url: str | None = None
    is_list: bool = False


class Contents:
    """All content of the account."""

    def __init__(self) -> None:
        self.by_sid: dict[str, Content] = {}

    def create(self, given: Any, now: datetime) -> Content:
        """Make a content from the JSON body of ``POST /v1/Content``; refuse what breaks a rule."""
        if not isinstance(given, dict):
            raise Refusal(20001, "The request body must be a JSON object")
        if extra := set(given) - {"friendly_name", "language", "variables", "types"}:
            raise Refusal(20001, f"Unknown field(s): {', '.join(sorted(extra))}")
        language, types = given.get("language"), given.get("types")
        variables = given.get("variables") or {}
        if not isinstance(language, str) or not language:
            raise Refusal(20001, "'language' is required")
        if not isinstance(variables, dict) or not all(
            isinstance(item, str) for pair in variables.items() for item in pair
        ):
            raise Refusal(20001, "'variables' must map strings to strings")
        if not isinstance(types, dict):
            raise Refusal(20001, "'types' is required")
        types = {kind: body for kind, body in types.items() if body is not None}
        if not types:
            raise Refusal(20001, "'types' needs at least one content type")
        for kind, body in types.items():
            if fault := _fault_in(kind, body):
                raise Refusal(20001, f"{kind}: {fault}")
        content = Content(
            sid="HX" + secrets.token_hex(16),
            friendly_name=str(given.get("friendly_name") or ""),
            language=language,
            variables=variables,
            types=types,
            created=now,
        )
        self.by_sid[content.sid] = content
        return content

    def find(self, sid: str) -> Content:
        """Return a content or refuse with 404."""
        if sid not in self.by_sid:
            raise Refusal(20404, f"The requested resource /Content/{sid} was not found", 404)
        return self.by_sid[sid]

    def ask(self, content: Content, given: Any) -> Approval:
        """Ask Meta's approval. A malformed request is refused; a bad template is rejected."""
        if not isinstance(given, dict):
            raise Refusal(20001, "The request body must be a JSON object")
        allowed = {"name", "category", "allow_category_change", "send_ttl_seconds", "bid_amount"}
        if extra := set(given) - allowed:
            raise Refusal(20001, f"Unknown field(s): {', '.join(sorted(extra))}")
        name, category = given.get("name"), given.get("category")
        if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]{1,512}", name):
            raise Refusal(20001, "'name' may only hold lowercase letters, digits and underscores")
        if category not in CATEGORIES:
            raise Refusal(20001, f"'category' must be one of {', '.join(CATEGORIES)}")
        if content.approval is not None and content.approval.status != "rejected":
            raise Refusal(20001, "Approval was already asked for this content")
        for other in self.by_sid.values():
            if (
                other is not content
                and other.approval is not None
                and (other.approval.name, other.language) == (name, content.language)
            ):
                raise Refusal(20001, "A template with this name and language already exists")
        reason = _why_meta_refuses(content)
        content.approval = Approval(
            name, category, content.kind, "rejected" if reason else "approved", reason
        )
        return content.approval


def render(content: Content, values: Mapping[str, str], *, on_whatsapp: bool) -> Rendered:
    """Fill in *values*; a missing one falls back to the sample, as at Twilio.

    Off WhatsApp only plain text is left: that of ``twilio/text``, or of what is there.
    """
    filled = {**content.variables, **values}

    def fill(text: Any) -> str:
        return VARIABLE.sub(lambda found: filled.get(found[1], found[0]), str(text or ""))

    kind = content.kind
    if not on_whatsapp and "twilio/text" in content.types:
        kind = "twilio/text"
    body = content.types[kind]
    text = "\n".join(
        part
        for part in (
            *(fill(body.get(key)) for key in ("header_text", "title", "body", "subtitle")),
            fill(body.get("footer")),
        )
        if part
    )
    media = body.get("media")
    media = media[0] if isinstance(media, list) and media else media
    media_url = fill(media) if media else None
    if not on_whatsapp:
        return Rendered(text, media_url=media_url)
    if kind == "twilio/list-picker":
        rows = [Button(fill(item["id"]), fill(item["item"])) for item in body["items"]]
        return Rendered(text, rows, media_url, is_list=True)
    buttons = [
        Button(
            fill(action.get("id") or action.get("url") or action.get("phone") or action["title"]),
            fill(action.get("title")),
        )
        for action in body.get("actions") or ()
    ]
    return Rendered(text, buttons, media_url)


def missing(content: Content, values: Mapping[str, str]) -> list[str]:
    """Return the variables that would show their sample value."""
    return sorted(_variables(content.types[content.kind]) - set(values))


def _variables(value: Any) -> set[str]:
    return {found[1] for text in _texts(value) for found in VARIABLE.finditer(text)}


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)


def _fault_in(kind: str, body: Any) -> str:
    """Return which published limit a content type breaks, or an empty string."""
    if kind not in TYPES:
        return "unknown content type"
    if not isinstance(body, dict):
        return "must be an object"
    text = body.get("body")
    needs_body = kind in BODY_LIMITS or kind in (
        "twilio/quick-reply",
        "twilio/list-picker",
        "twilio/call-to-action",
    )
    if needs_body and (not isinstance(text, str) or not text):
        return "'body' is required"
    limit = BODY_LIMITS.get(kind, BODY_LIMIT)
    if isinstance(text, str) and len(text) > limit:
        return f"'body' is longer than {limit} characters"
    if kind == "twilio/media" and not body.get("media"):
        return "'media' is required"
    if kind == "twilio/list-picker":
        return _fault_in_list(body)
    if kind in ("twilio/quick-reply", "twilio/call-to-action"):
        actions = body.get("actions")
        if not isinstance(actions, list) or not 1 <= len(actions) <= BUTTONS_APPROVED:
            return f"1 to {BUTTONS_APPROVED} actions are needed"
    return _fault_in_actions(kind, body.get("actions") or [])


def _fault_in_list(body: Mapping[str, Any]) -> str:
    items = body.get("items")
    if not 1 <= len(str(body.get("button") or "")) <= 20:
        return "'button' must hold 1 to 20 characters"
    if not isinstance(items, list) or not 1 <= len(items) <= 10:
        return "1 to 10 items are needed"
    for item in items:
        if not isinstance(item, dict) or not item.get("id") or not item.get("item"):
            return "each item needs 'id' and 'item'"
        if len(item["item"]) > 24 or len(item["id"]) > 200:
            return "an item holds at most 24 characters, its id 200"
        if len(item.get("description") or "") > 72:
            return "an item's description holds at most 72 characters"
    return ""


def _fault_in_actions(kind: str, actions: Any) -> str:
    titles: list[str] = []
    for action in actions:
        if not isinstance(action, dict):
            return "each action must be an object"
        title = action.get("title")
        quick = kind == "twilio/quick-reply" or action.get("type") == "QUICK_REPLY"
        longest = 20 if quick else 25
        if not isinstance(title, str) or not 1 <= len(title) <= longest:
            return f"an action's title must hold 1 to {longest} characters"
        if quick and len(str(action.get("id") or "")) > 200:
            return "an action's id holds at most 200 characters"
        titles.append(title)
    if len(titles) != len(set(titles)):
        return "two actions have the same title"
    return ""


def _why_meta_refuses(content: Content) -> str:
    """Return Meta's reason to reject a template, or an empty string."""
    if content.language not in META_LANGUAGES:
        return f"INVALID_LANGUAGE: WhatsApp has no templates in '{content.language}'"
    if content.kind in IN_SESSION_ONLY:
        return f"INVALID_FORMAT: {content.kind} can only be sent in session"
    body = str(content.types[content.kind].get("body") or "").strip()
    if len(body) > BODY_LIMIT:
        return f"INVALID_FORMAT: the body is longer than {BODY_LIMIT} characters"
    if re.search(rf"^{VARIABLE.pattern}|{VARIABLE.pattern}$", body):
        return "INVALID_FORMAT: the body starts or ends with a variable"
    if re.search(rf"{VARIABLE.pattern}\s*{VARIABLE.pattern}", body):
        return "INVALID_FORMAT: two variables stand next to each other"
    if lacking := sorted(_variables(content.types) - set(filter(None, content.variables))):
        return f"INVALID_FORMAT: no sample for variable(s) {', '.join(lacking)}"
    if empty := sorted(key for key, sample in content.variables.items() if not sample.strip()):
        return f"INVALID_FORMAT: empty sample for variable(s) {', '.join(empty)}"
    return ""
