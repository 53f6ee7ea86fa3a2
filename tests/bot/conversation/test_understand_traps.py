"""What looks like a yes or a stop and is none, in every language: written against the rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation import sentence
from bot.conversation.lexicon import forms, lexicon, source
from bot.conversation.understand import understand

NO_YES = [
    ("nl", "misschien kom ik"),
    ("nl", "ja als mijn vrouw meekomt"),
    ("nl", "ik kom alleen als er opvang is"),
    ("nl", "ja maar niet donderdag"),
    ("nl", "ik zou graag komen maar ik ben ziek"),
    ("nl", "leuk maar ik kan niet"),
    ("nl", "ik weet niet of ik kom"),
    ("nl", "ik kom niet"),
    ("nl", "ik kom nooit meer"),
    ("nl", "ja hoor, alsof ik daar zin in heb"),
    ("nl", "ja. nit"),
    ("nl", "graag geen afspraak"),
    ("en", "i will come if i feel better"),
    ("en", "yes but no"),
    ("en", "i will come never"),
    ("en", "great, another appointment i cannot make"),
    ("en", "i would love to but i work"),
    ("en", "yes i got your message"),
    ("en", "ok who are you"),
    ("en", "no problem, i wont come"),
    ("en", "i'll be there? no way"),
    ("en", "not coming, ok"),
    ("tr", "evet ama gelemem"),
    ("tr", "gelmicem tamam mı"),
    ("tr", "belki gelirim"),
    ("tr", "tamam gelmem"),
    ("tr", "evet gelmcem"),
    ("tr", "gelirdim ama hastayım"),
    ("so", "haa laakiin ma imaan karo"),
    ("so", "waan imaan lahaa laakin"),
    ("so", "waxaa laga yaabaa inaan imaado"),
    ("es", "si pero no puedo"),
    ("es", "quizas voy"),
    ("es", "claro que no"),
    ("es", "ya no voy"),
    ("es", "no me apunto"),
    ("fr", "oui mais je peux pas"),
    ("fr", "je viens pas"),
    ("fr", "bien sûr que non"),
    ("fr", "peut être que je viens"),
    ("fr", "ok je ne viens plus"),
    ("fr", "ça m'intéresse pas"),
    ("pl", "tak, ale nie przyjdę"),
    ("pl", "chyba przyjdę"),
    ("pl", "jasne że nie"),
    ("pl", "będę ale nie wtedy"),
    ("uk", "так але не прийду"),
    ("uk", "може прийду"),
    ("uk", "звичайно ні"),
    ("uk", "мені не цікаво"),
    ("ru", "да нет наверное"),
    ("ru", "да, но не приду"),
    ("ru", "может быть приду"),
    ("ru", "конечно нет"),
    ("ru", "мне не интересно"),
    ("ru", "буду ли я там?"),
    ("ar", "اي بس ما بقدر"),
    ("ar", "ممكن اجي"),
    ("ar", "طبعا لا"),
    ("ar", "مو حابب شارك"),
    ("ar", "ما رح كون موجود"),
    ("ar", "ma bkon mawjoud"),
    ("ary", "واخا ولكن ما نقدرش"),
    ("ary", "ماغانجيش"),
    ("ary", "يمكن نجي"),
    ("ary", "ma ghanjich"),
    ("fa", "بله ولی نمیتونم"),
    ("fa", "شاید بیام"),
    ("fa", "نمیام مرسی"),
    ("fa", "حتما نمیام"),
    ("fa", "دوست ندارم شرکت کنم"),
    ("prs", "بلی مگم آمده نمیتانم"),
    ("prs", "شاید بیایم"),
    ("prs", "میایم اگر کار نباشه"),
    ("ps", "هو خو نشم راتلی"),
    ("ps", "کېدای شي راشم"),
    ("ps", "نه راځم مننه"),
    ("ti", "እወ ግን ኣይክመጽእን"),
    ("ti", "ምናልባት ክመጽእ"),
    ("ti", "እንተ ክኢለ ክመጽእ እየ"),
    ("am", "አዎ ግን አልመጣም"),
    ("am", "ምናልባት እመጣለሁ"),
    ("am", "እሺ አልችልም"),
    ("ku", "belê lê nikarim bêm"),
    ("ku", "belkî bêm"),
    ("ku", "ez naxwazim beşdar bibim"),
    ("ku", "ez nayêm temam"),
    ("pap", "si ma mi no por"),
    ("pap", "kisas mi ta bin"),
    ("pap", "mi no ta bin ta bon"),
    ("pap", "klaro ku no"),
]
"""Doubts, conditions and denials around a yes."""

NO_STOP = [
    ("nl", "ik sta bij de stop van de bus"),
    ("nl", "stop niet met berichten"),
    ("nl", "mijn afspraak stop ik niet"),
    ("en", "next stop is yours"),
    ("en", "cannot stop laughing"),
    ("en", "dont stop the messages please"),
    ("en", "why dont you send me messages anymore"),
    ("nl", "waarom krijg ik geen berichten meer"),
    ("nl", "ik heb geen bericht meer gekregen"),
    ("en", "i did not receive any more messages"),
    ("fr", "je n'ai plus reçu de message"),
    ("es", "no me llegan mensajes"),
    ("ru", "мне не приходят сообщения"),
    ("uk", "мені більше не приходять повідомлення"),
    ("tr", "mesaj gelmedi bana"),
    ("ar", "ما وصلتني رسائل"),
    ("pl", "nie dostałam więcej wiadomości"),
    ("en", "please dont send the letter to my old address"),
    ("en", "is there enough time"),
    ("nl", "de cursus stop ik"),
    ("en", "i got your message, cancel please"),
    ("nl", "bericht ontvangen, ik moet annuleren"),
]
"""A stop of a bus, and messages that did not come."""


@pytest.mark.parametrize(("language", "text"), NO_YES)
@pytest.mark.parametrize("asks", ["afspraak", "voortraject"])
def test_a_doubt_or_a_denial_is_never_a_yes(language, text, asks):
    """A yes that nobody gave lets somebody wait for a person who does not come."""
    assert understand(text, language=language, asks=asks).intent not in {"confirm", "stop"}


@pytest.mark.parametrize(
    ("language", "text", "intent"),
    [
        ("nl", "graag afmelden voor deze berichten", "stop"),
        ("en", "stop please no more", "stop"),
        ("fr", "arrête", "stop"),
        ("ps", "مهرباني وکړئ بند یې کړئ", "stop"),
        ("am", "እባካችሁ ይቁም", "stop"),
        ("so", "fariimaha ha ii soo dirin", "stop"),
        ("tr", "yasamak istemiyorum artik", "emergency"),
        ("prs", "از زندگی سیر شدیم میخایم خوده بکشم", "emergency"),
        ("en", "tired of living", "emergency"),
        ("uk", "в понеділок не можу а у вівторок так", "reschedule"),
        ("nl", "maandag kan ik niet, dinsdag wel", "reschedule"),
        ("en", "nr2", "reschedule"),
        ("en", "2nd", "reschedule"),
        ("es", "me pueden llamar por favor", "human"),
        ("nl", "kom je", "human"),
        ("so", "numberka waa khalad", "wrong_number"),
        ("pl", "to nie tak że nie przyjdę", "unclear"),
        ("en", "I have Dutch class that day", "unclear"),
    ],
)
def test_what_was_missed_when_the_sealed_half_was_opened_is_read(language, text, intent):
    assert intent == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(("language", "text"), NO_STOP)
@pytest.mark.parametrize("asks", ["afspraak", "menu"])
def test_who_misses_our_messages_does_not_end_them(language, text, asks):
    assert understand(text, language=language, asks=asks).intent != "stop"


@pytest.mark.parametrize(
    ("language", "text", "intent"),
    [
        ("nl", "ik kan niet komne", "decline"),
        ("nl", "kan het volgende weel, liever dondrdag", "reschedule"),
        ("en", "can we rescedule it to anothr day", "reschedule"),
        ("fr", "je suis malde je ne peux pas venir", "decline"),
        ("uk", "на жаль не змжу, захворіла", "decline"),
    ],
)
def test_a_letter_wrong_in_a_long_word_is_read_beside_words_that_are_right(language, text, intent):
    assert intent == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "afspraek"),
        ("nl", "bevestgen"),
        ("en", "confrm"),
        ("en", "cancll appoinment"),
        ("tr", "gelmcem"),
        ("tr", "gelicm"),
        ("nl", "stoppn"),
        ("nl", "gevarr"),
    ],
)
def test_likeness_alone_decides_nothing(language, text):
    """No word is a yes, a no or a stop because it looks like one."""
    said = understand(text, language=language, asks="afspraak")

    assert said.intent in {"unclear", "human"}, said.why


def test_a_word_that_nobody_is_sure_of_does_not_decide_alone():
    words = sentence.Words()
    words.add("cannot", "?mangdarch")
    words.add("come", "nji")

    assert (set(), {"cannot"}) == (
        words.kinds("mangdarch", "mangdarch"),
        words.doubted["mangdarch"],
    )


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Ja ik kom. Faadumo", "confirm"),
        ("Ja ik kom. Niet", "decline"),
        ("ja ik kom faadumo", "unclear"),
    ],
)
def test_a_name_below_a_yes_is_a_name_only_behind_a_full_stop(text, intent):
    assert intent == understand(text, language="nl", asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("am", "በትግርኛ", "ti"),
        ("ar", "بالتركية", "tr"),
        ("ti", "ብዓረብ", "ar"),
        ("uk", "польською будь ласка", "pl"),
        ("so", "ingiriis igu soo qor", "en"),
        ("tr", "Lehçe", "pl"),
        ("pl", "amharski", "am"),
        ("es", "polaco", "pl"),
    ],
)
def test_a_language_is_known_by_what_its_neighbours_call_it(language, text, code):
    said = understand(text, language=language, asks="menu")

    assert ("language", code) == (said.intent, said.language)


def of_kind(language, *kinds):
    """The whole words of these kinds; those with a star or in doubt are left out."""
    told = source()["words"][language]
    return [
        word
        for kind in kinds
        for word in forms(told.get(kind, ""))
        if word and not word.startswith("?") and not word.endswith("*")
    ]


@given(st.data())
@settings(max_examples=400)
def test_no_word_that_denies_or_doubts_stands_beside_a_yes(data):
    """In either order, with every word that the data of a language has."""
    language = data.draw(st.sampled_from(sorted(source()["words"])))
    yes = data.draw(st.sampled_from(of_kind(language, "yes", "come")))
    no = data.draw(st.sampled_from(of_kind(language, "not", "cannot", "no", "if", "ill")))
    text = data.draw(st.sampled_from([f"{yes} {no}", f"{no} {yes}"]))
    whole = lexicon().read(text)
    if lexicon().entries_of(" ".join(whole.exact), " ".join(whole.bare)):
        return  # listed as a phrase of its own
    kinds = sentence.see(whole, language).kinds
    if not kinds & {"not", "cannot", "no", "if", "ill"}:
        return  # together they are a phrase of another kind: geen probleem

    assert understand(text, language=language, asks="afspraak").intent != "confirm"


GRAVE = [
    ("nl", "emergency", "help er is iemand in mijn huis"),
    ("nl", "emergency", "ik wil niet meer leven"),
    ("nl", "emergency", "mijn vader dreigt mij te vermoorden"),
    ("nl", "emergency", "bel de politie alsjeblieft"),
    ("nl", "stop", "haal mijn nummer uit jullie systeem"),
    ("nl", "stop", "ik wil geen sms meer krijgen"),
    ("nl", "stop", "stop hiermee"),
    ("en", "emergency", "i want to kill myself"),
    ("en", "emergency", "my husband beats me every day"),
    ("en", "emergency", "please call an ambulance my mother fell"),
    ("en", "emergency", "i am in danger"),
    ("en", "stop", "take me off this list"),
    ("en", "stop", "no more texts please"),
    ("en", "stop", "stop texting"),
    ("ar", "emergency", "بدي موت تعبت من هالحياة"),
    ("ar", "emergency", "اخي هددني بالقتل"),
    ("ar", "emergency", "انا بخطر"),
    ("ar", "emergency", "اطلبوا الشرطة"),
    ("ar", "stop", "لا ترسلوا لي شيء بعد اليوم"),
    ("ar", "stop", "ما بدي رسايل منكم"),
    ("ar", "stop", "وقفوا الرسايل"),
    ("ti", "emergency", "ክመውት እደሊ ኣለኹ"),
    ("ti", "emergency", "ክቐትለኒ ይደሊ ኣሎ"),
    ("ti", "emergency", "ኣብ ሓደጋ ኣለኹ"),
    ("ti", "emergency", "ፖሊስ ጸውዑለይ"),
    ("ti", "stop", "መልእኽቲ ኣይደልን እየ"),
    ("ti", "stop", "ደጊም ኣይትጽሓፉለይ"),
    ("fa", "emergency", "میخوام خودمو بکشم"),
    ("fa", "emergency", "برادرم تهدیدم کرده میکشمت"),
    ("fa", "emergency", "در خطرم کمک"),
    ("fa", "emergency", "به پلیس زنگ بزنید"),
    ("fa", "stop", "نمیخوام دیگه پیام بگیرم"),
    ("fa", "stop", "پیام ندید"),
    ("prs", "emergency", "میخایم خودم ره بکشم"),
    ("prs", "emergency", "شوهرم مره میکشه"),
    ("prs", "emergency", "مه در خطر هستم"),
    ("prs", "stop", "دیگه پیام نمیخایم"),
    ("prs", "stop", "مسیج روان نکنید لطفا"),
    ("tr", "emergency", "kendimi öldürmek istiyorum"),
    ("tr", "emergency", "abim beni ölümle tehdit ediyor"),
    ("tr", "emergency", "tehlikedeyim"),
    ("tr", "emergency", "polis çağırın"),
    ("tr", "stop", "mesaj almak istemiyorum"),
    ("tr", "stop", "beni listeden silin"),
    ("so", "emergency", "waxaan rabaa inaan isdilo"),
    ("so", "emergency", "wuxuu yiri waan ku dilayaa"),
    ("so", "emergency", "khatar ayaan ku jiraa"),
    ("so", "emergency", "booliska u yeer"),
    ("so", "stop", "ma rabo fariimo dambe"),
    ("so", "stop", "iga daaya fariimaha"),
    ("uk", "emergency", "я хочу померти"),
    ("uk", "emergency", "він погрожує мене вбити"),
    ("uk", "emergency", "я в небезпеці"),
    ("uk", "emergency", "викличте поліцію"),
    ("uk", "stop", "я більше не хочу отримувати смс"),
    ("uk", "stop", "перестаньте мені писати"),
    ("ru", "emergency", "я не хочу больше жить"),
    ("ru", "emergency", "он угрожает меня убить"),
    ("ru", "emergency", "я в опасности"),
    ("ru", "emergency", "вызовите полицию"),
    ("ru", "stop", "больше не присылайте смс"),
    ("ru", "stop", "хватит мне писать"),
    ("pl", "emergency", "chcę się zabić"),
    ("pl", "emergency", "on grozi że mnie zabije"),
    ("pl", "emergency", "jestem w niebezpieczeństwie"),
    ("pl", "emergency", "wezwijcie policję"),
    ("pl", "stop", "nie chcę dostawać smsów"),
    ("pl", "stop", "usuńcie mój numer"),
    ("fr", "emergency", "je veux mourir"),
    ("fr", "emergency", "il menace de me tuer"),
    ("fr", "emergency", "je suis en danger"),
    ("fr", "emergency", "appelez la police"),
    ("fr", "stop", "je ne veux plus recevoir de messages"),
    ("fr", "stop", "plus de sms merci"),
    ("es", "emergency", "me quiero morir"),
    ("es", "emergency", "mi novio me amenaza con matarme"),
    ("es", "emergency", "estoy en peligro"),
    ("es", "emergency", "llamen a la policía"),
    ("es", "stop", "no quiero recibir más mensajes"),
    ("es", "stop", "dejen de escribirme"),
    ("pap", "emergency", "mi no ke biba mas"),
    ("pap", "emergency", "mi kasá ke mata mi"),
    ("pap", "emergency", "mi ta den peliger"),
    ("pap", "emergency", "yama polis"),
    ("pap", "stop", "mi no ke mas mensahe"),
    ("pap", "stop", "stop di skirbi mi"),
    ("ku", "emergency", "ez dixwazim xwe bikujim"),
    ("ku", "emergency", "birayê min dibêje ez ê te bikujim"),
    ("ku", "emergency", "ez di xeterê de me"),
    ("ku", "emergency", "gazî polîsan bikin"),
    ("ku", "stop", "ez êdî peyaman naxwazim"),
    ("ku", "stop", "ji min re nenivîsin"),
    ("am", "emergency", "ራሴን ማጥፋት እፈልጋለሁ"),
    ("am", "emergency", "ባሌ ሊገድለኝ ነው"),
    ("am", "emergency", "አደጋ ላይ ነኝ"),
    ("am", "emergency", "ፖሊስ ጥሩልኝ"),
    ("am", "stop", "መልእክት አልፈልግም"),
    ("am", "stop", "ከዚህ በኋላ አትጻፉልኝ"),
    ("ps", "emergency", "غواړم ځان ووژنم"),
    ("ps", "emergency", "ورور مې وايي چې وژنم دې"),
    ("ps", "emergency", "زه په خطر کې یم"),
    ("ps", "emergency", "پولیس راوغواړئ"),
    ("ps", "stop", "نور پیغامونه نه غواړم"),
    ("ps", "stop", "پیغام مه رالېږئ"),
    ("ary", "emergency", "بغيت نموت"),
    ("ary", "emergency", "راجلي هددني بالقتل"),
    ("ary", "emergency", "أنا فخطر"),
    ("ary", "emergency", "عيطو للبوليس"),
    ("ary", "stop", "ما بقيتش باغي الميساجات"),
    ("ary", "stop", "حبسو عليا هاد الميساجات"),
]


@pytest.mark.parametrize(("language", "intent", "text"), GRAVE)
def test_danger_and_a_wish_to_stop_are_heard_in_many_words(language, intent, text):
    """What is missed here harms: no safety answer, or one more message after a stop."""
    assert intent == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("uk", "краще в п'ятницю ніж у четвер"),
        ("tr", "boğazım ağrıyor gelemem"),
        ("es", "hola soy Violeta, sí voy"),
        ("en", "I take my coffee break in the morning, so I can come"),
        ("nl", "mijn rug kan pijn doen, maar ik kom"),
    ],
)
def test_a_word_that_only_looks_like_danger_is_none(language, text):
    assert understand(text, language=language, asks="afspraak").intent != "emergency"
