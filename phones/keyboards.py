"""What the keyboard of a practice phone offers: digits, short words and direction per language.

A tester who reads no Tigrinya must still be able to answer as somebody who writes nothing else.
The words are the stand-in's own shortcuts: they fill the typing box, they are never sent by
themselves, and the house decides what they mean. Drafts, not reviewed by native speakers.
"""

from dataclasses import dataclass

LATIN = ("1", "2", "3")
ARABIC = ("١", "٢", "٣")
PERSIAN = ("۱", "۲", "۳")
ETHIOPIC = ("፩", "፪", "፫")


@dataclass(frozen=True)
class Keyboard:
    """The writing of one language: its own name, its direction, and what is quick to type."""

    own_name: str
    yes: str
    no: str
    stop: str
    message: str
    """What an empty typing box says: the word for "message"."""
    digits: tuple[str, ...] = LATIN
    direction: str = "ltr"

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything that one touch types, in the order of the numbered answers."""
        return (*self.digits, self.yes, self.no, self.stop)


KEYBOARDS = {
    "nl": Keyboard("Nederlands", "ja", "nee", "stop", "Bericht"),
    "en": Keyboard("English", "yes", "no", "stop", "Message"),
    "ar": Keyboard("العربية", "نعم", "لا", "إيقاف", "رسالة", ARABIC, "rtl"),
    "ti": Keyboard("ትግርኛ", "እወ", "ኣይፋል", "ኣቁም", "መልእኽቲ", ETHIOPIC),
    "tr": Keyboard("Türkçe", "evet", "hayır", "dur", "Mesaj"),
    "uk": Keyboard("Українська", "так", "ні", "стоп", "Повідомлення"),
    "fa": Keyboard("فارسی", "بله", "نه", "توقف", "پیام", PERSIAN, "rtl"),
    "prs": Keyboard("دری", "بلی", "نه", "توقف", "پیام", PERSIAN, "rtl"),
    "ps": Keyboard("پښتو", "هو", "نه", "ودروه", "پیغام", PERSIAN, "rtl"),
    "am": Keyboard("አማርኛ", "አዎ", "አይ", "አቁም", "መልእክት", ETHIOPIC),
    "so": Keyboard("Soomaali", "haa", "maya", "jooji", "Fariin"),
    "ku": Keyboard("Kurdî", "erê", "na", "raweste", "Peyam"),
    "ckb": Keyboard("کوردی", "بەڵێ", "نەخێر", "ڕاوەستە", "نامە", ARABIC, "rtl"),
    "pl": Keyboard("Polski", "tak", "nie", "stop", "Wiadomość"),
    "fr": Keyboard("Français", "oui", "non", "stop", "Message"),
    "es": Keyboard("Español", "sí", "no", "parar", "Mensaje"),
    "pap": Keyboard("Papiamentu", "si", "no", "stòp", "Mensahe"),
    "ary": Keyboard("الدارجة", "إييه", "لا", "حبس", "رسالة", ARABIC, "rtl"),
}


def keyboard_of(language: str) -> Keyboard:
    """Return the keyboard of *language* (a code such as ``ti`` or ``pt-BR``); Dutch if unknown."""
    return KEYBOARDS.get(language) or KEYBOARDS.get(language.split("-")[0]) or KEYBOARDS["nl"]
