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
    picture: str
    """What a picture is called for who does not see it."""
    digits: tuple[str, ...] = LATIN
    direction: str = "ltr"

    @property
    def keys(self) -> tuple[str, ...]:
        """Everything that one touch types, in the order of the numbered answers."""
        return (*self.digits, self.yes, self.no, self.stop)


KEYBOARDS = {
    "nl": Keyboard("Nederlands", "ja", "nee", "stop", "Bericht", "Plaatje"),
    "en": Keyboard("English", "yes", "no", "stop", "Message", "Picture"),
    "ar": Keyboard("العربية", "نعم", "لا", "إيقاف", "رسالة", "صورة", ARABIC, "rtl"),
    "ti": Keyboard("ትግርኛ", "እወ", "ኣይፋል", "ኣቁም", "መልእኽቲ", "ስእሊ", ETHIOPIC),
    "tr": Keyboard("Türkçe", "evet", "hayır", "dur", "Mesaj", "Resim"),
    "uk": Keyboard("Українська", "так", "ні", "стоп", "Повідомлення", "Зображення"),
    "fa": Keyboard("فارسی", "بله", "نه", "توقف", "پیام", "تصویر", PERSIAN, "rtl"),
    "prs": Keyboard("دری", "بلی", "نه", "توقف", "پیام", "تصویر", PERSIAN, "rtl"),
    "ps": Keyboard("پښتو", "هو", "نه", "ودروه", "پیغام", "انځور", PERSIAN, "rtl"),
    "am": Keyboard("አማርኛ", "አዎ", "አይ", "አቁም", "መልእክት", "ሥዕል", ETHIOPIC),
    "so": Keyboard("Soomaali", "haa", "maya", "jooji", "Fariin", "Sawir"),
    "ku": Keyboard("Kurdî", "erê", "na", "raweste", "Peyam", "Wêne"),
    "ckb": Keyboard("کوردی", "بەڵێ", "نەخێر", "ڕاوەستە", "نامە", "وێنە", ARABIC, "rtl"),
    "pl": Keyboard("Polski", "tak", "nie", "stop", "Wiadomość", "Obrazek"),
    "fr": Keyboard("Français", "oui", "non", "stop", "Message", "Image"),
    "es": Keyboard("Español", "sí", "no", "parar", "Mensaje", "Imagen"),
    "pap": Keyboard("Papiamentu", "si", "no", "stòp", "Mensahe", "Imágen"),
    "ary": Keyboard("الدارجة", "إييه", "لا", "حبس", "رسالة", "تصويرة", ARABIC, "rtl"),
}


def keyboard_of(language: str) -> Keyboard:
    """Return the keyboard of *language* (a code such as ``ti`` or ``pt-BR``); Dutch if unknown."""
    return KEYBOARDS.get(language) or KEYBOARDS.get(language.split("-")[0]) or KEYBOARDS["nl"]
