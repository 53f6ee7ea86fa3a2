"""Sentences that no list holds whole: what their words mean together."""

import pytest

from bot.conversation.lexicon import source
from bot.conversation.understand import understand


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("nl", "Morgen kan ik niet, donderdag wel", "reschedule"),
        ("nl", "ja hoor wij zijn er dan", "confirm"),
        ("nl", "ik ken die mevrouw niet, dit is mijn nummer", "wrong_number"),
        ("nl", "stuur mij aub geen smsjes", "stop"),
        ("en", "yess!!", "confirm"),
        ("en", "im not sure if i can come", "unclear"),
        ("en", "cancel my appointment", "decline"),
        ("es", "la 2 porfa", "reschedule"),
        ("es", "si puedo voy", "unclear"),
        ("es", "basta de mensajes", "stop"),
        ("fr", "annulez mon rendez-vous svp", "decline"),
        ("tr", "çocuklara bakacak kimse yok", "childcare"),
        ("tr", "evet merhaba gelemeyeceğim", "decline"),
        ("uk", "не хочу більше жити", "emergency"),
        ("ru", "прекратите присылать сообщения", "stop"),
        ("ru", "не могу не прийти", "unclear"),
        ("pl", "nie chcę już żyć", "emergency"),
        ("ar", "لا تبعتولي رسايل", "stop"),
        ("fa", "مشکلی نیست میام", "confirm"),
        ("prs", "زنگ بزنین گپ میزنیم", "human"),
        ("ti", "ድሓን ክመጽእ እየ ጽባሕ", "confirm"),
        ("am", "ቀጠሮዬን ሰርዙልኝ", "decline"),
        ("so", "iga daaya fariimahan", "stop"),
        ("ku", "ez edî naxwazim bijîm", "emergency"),
    ],
)
def test_a_sentence_is_understood_by_the_kinds_of_its_words(language, text, expected):
    assert expected == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize("code", sorted(source()["words"]))
def test_every_kind_of_word_is_named_in_letters(code):
    """YAML reads a bare yes, no or off as true or false, and the later of two would win."""
    kinds = source()["words"][code]

    assert {"yes", "no", "not", "come", "cannot", "ill", "off", "halt", "msg", "if"} <= set(kinds)
    assert [] == [kind for kind in kinds if not isinstance(kind, str)]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ar", "شيلوا رقمي من القائمة عندكم", "stop"),
        ("ar", "طفلي ما عم يتنفس", "emergency"),
        ("ar", "لا تستنوني انا مسافرة", "decline"),
        ("ar", "الاثنين عندي دوام الاربعاء بقدر", "reschedule"),
        ("ar", "هلق مشغولة، بعد رمضان بشارك", "reschedule"),
        ("ar", "ممكن يوم الجمعة؟", "reschedule"),
        ("ar", "هالرقم مو لسمر", "wrong_number"),
        ("ary", "7iydo nemrti men la liste", "stop"),
        ("ary", "قطعو عليا هاد الميساجات", "stop"),
        ("ary", "rajli ghay9tlni", "emergency"),
        ("ary", "matsennawnich", "decline"),
        ("ary", "ma kayn ta mochkil ghadi nji", "confirm"),
        ("ary", "ما عندي مع من نخليهم", "childcare"),
        ("fa", "shomaramo az list pak konid", "stop"),
        ("fa", "بچم نفس نمیکشه", "emergency"),
        ("fa", "montazeram nabashid", "decline"),
        ("prs", "خانه ما در گرفته", "emergency"),
        ("prs", "مسج روان نکو دگه", "stop"),
        ("prs", "شنبه کار دارم، یکشنبه بیکارم", "reschedule"),
        ("ps", "زما نمبر له لېست نه وباسئ", "stop"),
        ("ps", "مېړه مې ما وهي", "emergency"),
        ("ti", "ቁጽረይ ካብ ዝርዝርኩም ኣውጽእዎ", "stop"),
        ("ti", "melekti aytsdeduley", "stop"),
        ("ti", "ክቐትለኪ እየ ኢሉኒ", "emergency"),
        ("ti", "ኣይትጸበዩኒ", "decline"),
        ("am", "ከዚህ አገልግሎት መውጣት እፈልጋለሁ", "stop"),
        ("am", "ልጄ ራሱን ስቷል", "emergency"),
        ("am", "selam mevrouw, donderdag emetalehu", "confirm"),
        ("ku", "hejmara min ji lîsteyê derxin", "stop"),
        ("ku", "چیتر نامەم بۆ مەنێرن", "stop"),
        ("ku", "mêrê min min dikuje", "emergency"),
        ("ku", "na min ji bîr nekiriye ez têm", "confirm"),
        ("ku", "name ji belediyê hat ez nikarim bixwînim", "human"),
        ("so", "lambarkayga liiska ka saara", "stop"),
        ("so", "gurigii wuu gubanayaa", "emergency"),
        ("so", "ha i sugina", "decline"),
        ("am", "ነገ ጠዋት እንገናኛለን", "confirm"),
        ("am", "kelela ken yishalegnal", "reschedule"),
        ("am", "ሐሙስ ሳይሆን አርብ ይሻለኛል", "reschedule"),
        ("am", "የእኔ ስልክ አይደለም የሌላ ሰው ነው", "wrong_number"),
        ("am", "ከእንግዲህ መኖር ሰልችቶኛል", "emergency"),
        ("am", "በስህተት አቁም ብዬ ነበር እንደገና ላኩልኝ", "start"),
        ("ti", "ጽባሕ ክንራኸብ ኢና", "confirm"),
        ("ti", "ኣይተርፍን እየ ክመጽእ እየ", "confirm"),
        ("ti", "ጽባሕ ዘይኮነ ድሕሪ ጽባሕ", "reschedule"),
        ("ti", "ናተይ ስልኪ ኣይኮነን ናይ ካልእ ሰብ እዩ", "wrong_number"),
        ("ti", "sebeyey yhremeni hgzuni", "emergency"),
    ],
)
def test_kinds_together_say_what_no_word_says_alone(language, text, expected):
    assert expected == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ar", "لا توقفوا الرسائل"),
        ("ar", "ما بدي وقف الرسائل"),
        ("ar", "كملوا ابعتوا رسائل"),
        ("fa", "پیام ها رو قطع نکنید"),
        ("prs", "مسج ها ره بند نکنین"),
        ("ti", "መልእኽቲ ምስዳድ ኣይተቋርጹ"),
        ("am", "መልእክት መላክ አታቋርጡ"),
        ("am", "አቁሙ አትበሉ መልእክቱ ይጠቅመኛል"),
        ("ti", "ደው ኣይተብሉ መልእኽትኹም ይጠቅመኒ"),
    ],
)
def test_who_asks_not_to_stop_is_not_stopped(language, text):
    assert understand(text, language=language, asks="menu").intent != "stop"


def test_what_is_written_on_to_a_word_hides_no_word_behind_it():
    assert understand("وبكون بالموعد", language="ar", asks="afspraak").intent == "confirm"
    assert understand("مابلحق اجي", language="ar", asks="afspraak").intent == "decline"


def test_who_cannot_read_one_language_asks_for_the_other():
    asked = understand("ما بعرف اقرا عربي، اكتبولي كردي", language="ar", asks="afspraak")

    assert ("language", "ku") == (asked.intent, asked.language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ik werk de hele nacht maar ik kom"),
        ("en", "hit the snooze button twice but i will be there"),
        ("ru", "умираю от жары, но приду"),
    ],
)
def test_who_comes_behind_a_but_comes_whatever_stands_before_it(language, text):
    assert "confirm" == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "dinsdag kan ik niet maar ik kom donderdag"),
        ("tr", "salı gelemem ama perşembe gelirim"),
        ("en", "i want another day but i come"),
        ("en", "only if my boss agrees but i come"),
        ("nl", "ik kom niet maar ik wil wel"),
    ],
)
def test_a_but_takes_back_no_day_condition_or_no(language, text):
    assert "confirm" != understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "can i come on friday"),
        ("nl", "kan ik vrijdag komen?"),
        ("fr", "est-ce que je peux passer mardi"),
        ("ru", "можно прийти в пятницу"),
        ("pl", "czy mogę przyjść w piątek"),
        ("nl", "nu niet, na de bevalling"),
        ("pap", "despues di vakantie mi ke bin"),
    ],
)
def test_leave_asked_for_a_day_and_after_an_event_is_another_time(language, text):
    assert "reschedule" == understand(text, language=language, asks="voortraject").intent


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("nl", "annuleer niet, ik kom", "confirm"),
        ("fr", "ne m'attendez pas", "decline"),
        ("en", "came yesterday and it was closed", "human"),
        ("en", "i dont need the appointment anymore", "decline"),
        ("ru", "удалите мою запись", "decline"),
        ("en", "i never said i wasn't coming", "unclear"),
    ],
)
def test_what_is_said_of_the_afspraak_itself_is_read(language, text, expected):
    assert expected == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("asks", "expected"), [("voortraject", "decline"), ("menu", "wrong_number")]
)
def test_not_for_me_is_a_no_to_a_voortraject_and_else_a_wrong_number(asks, expected):
    assert expected == understand("not for me", language="en", asks=asks).intent


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("nl", "ik kom liever woensdag", "reschedule"),
        ("ru", "лучше в среду", "reschedule"),
        ("ru", "только в сентябре", "reschedule"),
        ("en", "i would have come", "decline"),
        ("pl", "już byłam w poniedziałek", "decline"),
        ("es", "sí claro, cómo no 🙄", "unclear"),
        ("en", "yes what time", "human"),
    ],
)
def test_a_better_day_a_month_what_is_past_and_rolled_eyes_are_no_yes(language, text, expected):
    assert expected == understand(text, language=language, asks="voortraject").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ik kom met de metro en mijn tolk"),
        ("en", "i will come by ferry with my umbrella"),
        ("fr", "oui je viens à vélo depuis la gare"),
        ("es", "sí voy caminando desde el mercado"),
        ("pl", "przyjdę pieszo z dworca"),
        ("ru", "да приду пешком от вокзала"),
        ("uk", "так прийду пішки від вокзалу"),
        ("tr", "evet metroyla geleceğim"),
        ("ar", "بجي بالتاكسي مع المترجم"),
        ("fa", "میام با دوچرخه"),
        ("prs", "میایم ده تکسی"),
        ("ti", "ብብሽክለታ ክመጽእ እየ"),
        ("am", "በታክሲ እመጣለሁ"),
        ("uk", "плюсую, буду з подругою"),
        ("pap", "sigur, konta ku mi"),
        ("fa", "قرارمو کنسل نکنین میام"),
    ],
)
def test_everyday_words_around_a_yes_leave_it_a_yes(language, text):
    assert "confirm" == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ik kom als het niet regent"),
        ("en", "i would come by taxi"),
        ("en", "weather permitting i will come"),
        ("es", "voy a menos que llueva"),
        ("pap", "mi lo a bini ku taksi"),
        ("ru", "приду если не будет снега"),
        ("tr", "öğretmenim izin verirse gelirim"),
        ("ar", "بجي لو ما في مطر"),
        ("fa", "اگر بارون نیاد میام"),
        ("am", "መምህር ቢፈቅድ እመጣለሁ"),
        ("ti", "ተርጓሚ እንተሃልዩ ክመጽእ እየ"),
        ("en", "the interpreter will come"),
    ],
)
def test_everyday_words_hide_no_condition(language, text):
    assert "confirm" != understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize("code", sorted(source()["words"].keys() - {"ckb"}))
def test_an_everyday_word_alone_answers_nothing(code):
    """It is known so that a yes around it is read, never to say something itself."""
    told = source()["words"][code]["everyday"]
    meant = {
        word: understand(word, language=code, asks="afspraak").intent for word in told.split(", ")
    }

    assert [] == [
        word for word, intent in meant.items() if intent in {"confirm", "stop", "emergency"}
    ]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ru", "неприду", "decline"),
        ("ru", "да, приду если дадут выходной", "unclear"),
        ("ru", "отпросилась, буду", "confirm"),
        ("ru", "не отпустили с работы", "decline"),
        ("ru", "можно на часок попозже", "reschedule"),
        ("ru", "могу только по средам", "reschedule"),
        ("ru", "отпишусь вечером", "unclear"),
        ("ru", "за мной следит бывший", "emergency"),
        ("ru", "приду в любую погоду", "confirm"),
        ("uk", "неприйду", "decline"),
        ("uk", "мене відпустили, прийду", "confirm"),
        ("uk", "не відпустили з роботи", "decline"),
        ("uk", "відпишусь ввечері", "unclear"),
        ("uk", "прийду, хоч би камінці з неба", "confirm"),
        ("uk", "чоловік замкнув мене вдома", "emergency"),
        ("uk", "прийду якщо дадуть вихідний", "unclear"),
        ("so", "haa laakin galabtii ayaan karaa", "reschedule"),
        ("so", "waan imanayaa haduu Alle idmo", "confirm"),
        ("so", "fasax ayaan helay waan imanayaa", "confirm"),
        ("so", "fasax la iima siin", "decline"),
        ("so", "waan imanayaa haddii fasax la i siiyo", "unclear"),
        ("so", "roob haba da'o waan imanayaa", "confirm"),
        ("so", "baskii wuu iga tagay", "human"),
        ("so", "farriimaha ha joojina", "unclear"),
        ("so", "shalay waan imid albaabku wuu xirnaa", "human"),
        ("ti", "ፍቓድ ወሲደ ኣለኹ ክመጽእ እየ", "confirm"),
        ("ti", "እንተ ፍቓድ ሂቦሙኒ ክመጽእ እየ", "unclear"),
        ("ti", "ኣይርስዓን እየ ክመጽእ እየ", "confirm"),
        ("ti", "ኣነ ክመጽእዶ", "human"),
        ("ti", "ንዓይ ኣየድልየንን እዩ", "decline"),
        ("ti", "ሽፍቲ ኣለኒ ክመጽእ ኣይኮንኩን", "decline"),
        ("ti", "ድሕሪ ቅዳሴ ክመጽእ እየ", "confirm"),
        ("ti", "ትማሊ መጺአ ነይረ", "unclear"),
        ("ti", "ሕጂ ክወልድ እየ", "emergency"),
        ("am", "ፈቃድ ወስጃለሁ እመጣለሁ", "confirm"),
        ("am", "ከስራ ፈቃድ ከሰጡኝ እመጣለሁ", "unclear"),
        ("am", "bchil emetalehu", "unclear"),
        ("am", "ብችል እመጣለሁ", "unclear"),
        ("am", "ሥራ የለኝም እመጣለሁ", "confirm"),
        ("am", "ልመጣ ነበር", "decline"),
        ("am", "ከጸሎት በኋላ እመጣለሁ", "confirm"),
        ("am", "አያስፈልገኝም", "decline"),
        ("am", "አንድ ሰው እየተከታተለኝ ነው", "emergency"),
        ("ru", "та не приду я", "decline"),
        ("ru", "приду, даже если снег", "confirm"),
        ("ru", "не надо мне ничего присылать", "stop"),
        ("uk", "та не прийду я", "decline"),
        ("uk", "з малюком можна?", "childcare"),
        ("tr", "gerek yok, teşekkürler", "decline"),
        ("tr", "abim beni arabayla bırakır, gelirim", "confirm"),
        ("so", "kaniiniyada oo dhan way cuntay", "emergency"),
        ("so", "dib ha iigu soo qorin", "stop"),
        ("am", "ሰኞ ብቻ ነው የምችለው", "reschedule"),
        ("ru", "буду на работе", "decline"),
        ("uk", "буду зайнята", "decline"),
        ("tr", "işte olacağım", "decline"),
        ("so", "dhakhtarka ayaan u socdaa", "decline"),
        ("ti", "ኣብ ስራሕ ክህሉ እየ", "decline"),
        ("am", "ስራ ላይ እሆናለሁ", "decline"),
        ("uk", "в тому випадку додайте і мене", "unclear"),
        ("ru", "режу себе вены", "emergency"),
        ("tr", "bana elini kaldırdı", "emergency"),
        ("so", "gabadhaydu batari ayay liqday", "emergency"),
        ("ti", "ወደይ ባትሪ ውሒጡ", "emergency"),
        ("am", "ከዝርዝሩ አታውጡኝ", "unclear"),
        ("am", "መንገድ ላይ ደበደቡኝ", "emergency"),
        ("ru", "к сожалению, в этот день экзамен", "decline"),
        ("ru", "никак, только в пятницу", "reschedule"),
        ("nl", "helaas, die dag examen", "decline"),
        ("en", "sorry, exam that day", "decline"),
        ("tr", "unutmadım gelirim", "confirm"),
        ("tr", "niye gelmeyeyim", "confirm"),
        ("tr", "patrondan izin aldım, gelirim", "confirm"),
        ("tr", "patron izin vermiyor", "decline"),
        ("tr", "izin alabilirsem gelirim", "unclear"),
        ("tr", "gelirim ama saat üçte", "reschedule"),
        ("tr", "perşembeye alsanız iyi olur", "reschedule"),
        ("tr", "gelmek isterdim, vardiyam var", "decline"),
        ("tr", "kocam beni eve kilitledi", "emergency"),
    ],
)
def test_small_words_decide_what_a_sentence_is_worth(language, text, expected):
    assert expected == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ar", "بجي إذا لقيت باص", "unclear"),
        ("ar", "باجي الا اذا مطرت", "unclear"),
        ("ar", "بقدرش اجي", "decline"),
        ("ar", "بجي بس بعد العصر", "reschedule"),
        ("ary", "wa9ila ghanji", "unclear"),
        ("ary", "إلا قدرت غادي نجي", "unclear"),
        ("ary", "ماغنكونش تما", "decline"),
        ("ary", "wakha walakin l3chiya", "reschedule"),
        ("fa", "میام مگر اینکه کارم طول بکشه", "unclear"),
        ("fa", "فک کنم بیام", "unclear"),
        ("fa", "مرخصی نمیدن بهم", "decline"),
        ("prs", "سیل میکنم باز احوال میتم", "unclear"),
        ("prs", "وخت ندارم", "decline"),
        ("prs", "میایم مگم شام", "reschedule"),
        ("ps", "که وخت مې پیدا شو راځم", "unclear"),
        ("ps", "رخصت نه راکوي", "decline"),
        ("ps", "هو خو ماسپښین", "reschedule"),
        ("ku", "heke karibim ez ê bêm", "unclear"),
        ("ku", "ڕەنگە بێم", "unclear"),
        ("ku", "izin nadin min", "decline"),
        ("ku", "erê lê piştî nîvro", "reschedule"),
        ("ar", "لما تتحسن لغتي بجي", "unclear"),
        ("fa", "وقتی زبانم خوب شد میام", "unclear"),
        ("prs", "بعد ازی که زبانم خوب شد میایم", "unclear"),
        ("ku", "gava zimanê min baş bû ez têm", "unclear"),
    ],
)
def test_small_words_that_turn_a_yes_are_known_in_every_spelling(language, text, expected):
    assert expected == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ar", "نعم كنت موجود امبارح"),
        ("ary", "iyeh jit simana li fatet"),
        ("fa", "بله هفته پیش بودم"),
        ("prs", "بلی دیروز آمدیم"),
        ("ps", "هو راغلم دروازه بنده وه"),
        ("ku", "belê hefteya borî ez li wir bûm"),
    ],
)
def test_who_came_before_has_not_said_that_he_comes(language, text):
    assert "confirm" != understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ar", "ما بقدر اجي سيارتي ما بتمشي"),
        ("fa", "نمیتونم بیام ماشین ندارم"),
        ("prs", "آمده نمیتانم موتر ندارم"),
        ("es", "no puedo ir, no tengo coche"),
    ],
)
def test_a_denial_behind_a_cannot_is_its_reason(language, text):
    assert understand(text, language=language, asks="afspraak").intent in {"decline", "human"}


@pytest.mark.parametrize(
    ("language", "text"),
    [("fa", "نمیتونم نیام"), ("ru", "не могу не прийти"), ("en", "it is not that i cannot come")],
)
def test_a_denial_before_or_beside_a_cannot_denies_it(language, text):
    assert "unclear" == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ja maar dan wel om 3 uur"),
        ("nl", "ik kom graag maar in de middag"),
        ("en", "yes but at 4"),
        ("en", "ok but friday works better"),
        ("fr", "oui mais plutôt l'après-midi"),
        ("es", "sí pero el viernes"),
        ("es", "claro pero a las 5 de la tarde"),
        ("pl", "tak ale o 15"),
        ("ru", "да но в пятницу"),
        ("uk", "так але о 16"),
        ("tr", "evet ama öğleden sonra"),
        ("tr", "gelirim ama cuma günü"),
        ("so", "haa laakiin khamiista ayaan imanayaa"),
        ("prs", "بلی مگم روز شنبه"),
        ("ps", "هو خو د جمعې په ورځ"),
        ("ar", "اي بس الخميس"),
        ("pap", "si pero djabièrnè"),
        ("ku", "erê lê roja înê"),
    ],
)
def test_a_day_or_an_hour_behind_yes_but_is_another_time(language, text):
    """The afspraak's own time needs no but."""
    assert "reschedule" == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ja maar dinsdag kan ik niet"),
        ("nl", "ja maar om 3 uur moet ik mijn zoon halen"),
        ("nl", "ja maar ik weet niet of dinsdag kan"),
        ("en", "yes but on friday i cannot"),
    ],
)
def test_a_no_or_an_errand_behind_yes_but_is_no_yes(language, text):
    assert understand(text, language=language, asks="afspraak").intent not in {"confirm", "stop"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ik kan niet komen, heb geen auto"),
        ("nl", "kan niet, er is geen bus"),
        ("nl", "ik ben er die dag niet"),
        ("nl", "die dag ben ik er niet, zit in Antwerpen"),
        ("nl", "lukt niet, moet naar Antwerpen en heb geen rijbewijs"),
        ("en", "can't make it, no car anymore"),
        ("en", "I can't come, my knee isn't good"),
        ("en", "won't make it, stuck in Antwerp with no passport"),
        ("fr", "je ne peux pas venir, pas de voiture"),
        ("es", "no puedo ir, no tengo carro"),
        ("pl", "nie dam rady, nie mam samochodu"),
        ("ru", "не приду, нет машины"),
        ("uk", "не зможу, немає машини"),
        ("tr", "gelemem, arabam yok"),
        ("ar", "ما بقدر اجي ما عندي سيارة"),
        ("fa", "نمیتونم بیام ماشین ندارم"),
        ("prs", "آمده نمیتانم موتر ندارم"),
        ("ps", "نشم راتلی موټر نه لرم"),
        ("ku", "nikarim bêm, erebeya min tune"),
        ("am", "አልመጣም መኪና የለኝም"),
        ("ti", "ክመጽእ ኣይክእልን መኪና የብለይን"),
        ("so", "ma iman karo gaari ma haysto"),
        ("pap", "mi no por bin, mi no tin outo"),
    ],
)
def test_a_no_may_hold_another_no_as_its_reason(language, text):
    assert "decline" == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "i can't not come"),
        ("ru", "не могу не прийти"),
        ("pl", "nie mogę nie przyjść"),
        ("es", "no puedo no ir"),
        ("fr", "je ne peux pas ne pas venir"),
        ("nl", "niet dat ik niet kan"),
        ("en", "i never said i can't come"),
    ],
)
def test_a_no_that_is_denied_itself_is_asked_again(language, text):
    assert "unclear" == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("nl", "mijn zus let op de kinderen dus ik ben er", "confirm"),
        ("en", "don't want to attend", "decline"),
        ("en", "i no longer want to join", "decline"),
        ("nl", "meld mij maar aan, gezellig", "confirm"),
        ("nl", "weer of geen weer ik kom", "confirm"),
        ("nl", "ik kan pas na 4 uur", "reschedule"),
        ("nl", "mijn baas moet nog toestemming geven", "unclear"),
        ("nl", "oppas is ziek, wie let er nu op de tweeling", "childcare"),
        ("nl", "we zitten dan in Spanje", "decline"),
        ("en", "my mum will watch the kids so count me in", "confirm"),
        ("en", "good you reminded me, almost forgot, see you then", "confirm"),
        ("en", "my wife told me to come", "unclear"),
        ("en", "my husband still has to say yes", "unclear"),
        ("en", "do you have a place in the afternoon", "reschedule"),
        ("en", "i already got a job thanks", "decline"),
        ("fr", "ma mère garde les petits donc je serai là", "confirm"),
        ("fr", "un peu malade mais je viens quand même", "confirm"),
        ("fr", "mon mari doit encore dire oui", "unclear"),
        ("fr", "bien sûr, j'ai que ça à faire", "unclear"),
        ("fr", "on est en Espagne ce jour-là", "decline"),
        ("es", "llueva o truene ahí estaré", "confirm"),
        ("es", "mi suegra se queda con los niños, sí voy", "confirm"),
        ("es", "mi jefa tiene que dar permiso", "unclear"),
        ("es", "ya conseguí trabajo, gracias", "decline"),
        ("es", "quién me cuida a la niña", "childcare"),
        ("pap", "mi mama ta wak e muchanan, mi ta bin", "confirm"),
        ("pap", "mi ta bin si mi por haña oppas", "unclear"),
        ("pap", "boso tin lugá den atardi", "reschedule"),
        ("pl", "babcia zostaje z dziećmi, więc będę", "confirm"),
        ("pl", "czy deszcz czy słońce przyjdę", "confirm"),
        ("pl", "szef musi się zgodzić", "unclear"),
        ("pl", "wolne dopiero po 16", "reschedule"),
        ("pl", "byłam tam wczoraj i nikogo nie było", "human"),
    ],
)
def test_what_is_arranged_wished_or_told_is_told_apart_from_coming(language, text, expected):
    """Who minds the children, what the boss must say, and what was: all of it beside a yes."""
    assert expected == understand(text, language=language, asks="afspraak").intent
