"""Danger and wishes to stop: families of sayings, so that unseen combinations are read."""

import copy

import pytest
import yaml

from bot.conversation.grave import SOURCE, grave_faults
from bot.conversation.understand import understand

STOP = [
    ("es", "gracias, no deseo seguir recibiendo avisos"),
    ("nl", "haal mijn telefoonnummer uit jullie bestand"),
    ("nl", "u hoeft mij niet langer te mailen"),
    ("nl", "ik wil dit soort appjes niet meer ontvangen"),
    ("en", "kindly do not ever text me again"),
    ("en", "enough of these reminders"),
    ("en", "erase my number from ur system"),
    ("en", "next time i will block you"),
    ("fr", "retirez mon nom de vos fichiers"),
    ("fr", "merci de ne plus m'écrire"),
    ("es", "borre mi celular de su base"),
    ("es", "no vuelvan a escribirme nunca"),
    ("pap", "kita mi nomber for di e lista"),
    ("pl", "skasujcie ten numer z waszej bazy"),
    ("ru", "вычеркните мой телефон из базы"),
    ("ru", "хватит присылать эти смс"),
    ("uk", "приберіть мій телефон зі своєї бази"),
    ("tr", "numaramı rehberinizden silin"),
    ("en", "stop it please, my husband reads my phone and everyone sees"),
    ("ar", "ازيلوني من سجلاتكم"),
    ("ar", "مو لازم ترسلوا"),
    ("ar", "ما عاد بدي رسايل"),
    ("ar", "la teb3atouli ba2a"),
    ("ar", "شيلوني"),
    ("ary", "ما تبقاوش تصيفطو ليا"),
    ("ary", "ms7o nemerti"),
    ("ary", "baraka mn les messages"),
    ("ary", "khliwni trankil"),
    ("fa", "شماره من را از سیستم حذف کنید"),
    ("prs", "بس کنین دگه مسیج نتین"),
    ("ku", "ez aboneya peyaman betal dikim"),
    ("prs", "دگه مسیج روان نکنین"),
    ("ps", "زما نمبر له سیسټم څخه پاک کړئ"),
    ("ku", "numreya min ji sîstemê jê bibin"),
    ("ku", "ئیتر پەیامم بۆ مەنێرن"),
    ("so", "lambarkayga nidaamka ka saara"),
    ("ti", "ስመይ ካብ መዝገብኩም ደምስስዎ"),
    ("am", "ስልኬን ከሊስት አስወጡ"),
    ("nl", "hou op met dat gestuur"),
    ("en", "i no longer wish to be contacted"),
    ("fr", "je ne veux pas continuer à recevoir vos sms"),
    ("es", "no quiero seguir recibiendo avisos"),
    ("pap", "mi no ke sigui risibí mensahe"),
    ("pl", "nie chcę dostawać smsów od was"),
]
EMERGENCY = [
    ("nl", "mijn ex bonkt op de voordeur en schreeuwt"),
    ("en", "he is smashing everything and i am so scared"),
    ("fr", "mon bébé a 41 de fièvre et il tremble"),
    ("es", "mi ex está pateando la puerta"),
    ("pap", "un hende ke drenta mi kas"),
    ("pl", "córeczka ma gorączkę i cała drży"),
    ("nl", "mijn broer schopt mijn zusje"),
    ("nl", "mijn dochter heeft bleek gedronken"),
    ("en", "my uncle beats my mother"),
    ("en", "he wants to force me to marry"),
    ("en", "my baby is not breathing"),
    ("fr", "mon copain m'a giflée et a un couteau"),
    ("fr", "ma fille ne respire plus"),
    ("es", "mi suegro me amenaza"),
    ("es", "mi bebé se tragó unas pastillas"),
    ("pap", "mi ex ta menasá mi"),
    ("pl", "mój ojciec bije moją siostrę"),
    ("ru", "сосед угрожает моей семье, помогите"),
    ("uk", "батько б'є мою сестру"),
    ("tr", "abim beni tehdit ediyor"),
    ("en", "grandpa's mouth is drooping on one side"),
    ("ru", "бабушка лежит на полу и не отвечает"),
    ("es", "se llevó a mis hijos y no los devuelve"),
    ("uk", "хочу заснути назавжди"),
    ("fa", "شوهرم منو میزنه"),
    ("prs", "طفلم بیهوش شده"),
    ("ps", "ماشوم مې ساه نه اخلي"),
    ("ku", "mêrê min li min dixe"),
    ("so", "ninkaygu wuu i garaacaa"),
    ("ti", "ሰብኣየይ ይወቕዓኒ ኣሎ"),
    ("am", "ባለቤቴ ይደበድበኛል"),
    ("nl", "hij zegt als ik wegga breekt hij mijn armen"),
    ("en", "my brother says he will kill you if you tell them"),
    ("en", "my grandfather fell and is not talking"),
    ("fr", "mon mari va me casser les bras si je sors"),
    ("es", "mi marido con los puños, temo por mis hijos"),
    ("pap", "mi welo a kai i no ta papia"),
    ("pl", "mąż mówi że połamie mi nogi"),
    ("ru", "брат сказал что сломает мне руки если выйду"),
    ("uk", "чоловік знову з кулаками, страшно за дітей"),
    ("tr", "babam evden çıkarsam bacaklarımı kırarım diyor"),
    ("ar", "قال رح اقتلك اذا طلعتي"),
    ("ary", "راجلي قال ليا غادي يهرس ليا رجلي"),
    ("fa", "برادرم میگه اگه بری میکشمت"),
    ("prs", "مادرم افتاده جواب نمیته"),
    ("ps", "ورور مې وايي ته وژنم که ووځې"),
    ("ku", "birayê min dibêje ez ê te bikujim heke derkevî"),
    ("ku", "bê min hûn hemû rehettir dibin, bê min baştir e"),
    ("fa", "بدون من همه راحت ترن"),
    ("ar", "بدوني الكل احسن"),
    ("ar", "زوجي ضربني وما بقدر اجي عالموعد"),
    ("ar", "عم يكسر الباب علينا"),
    ("ary", "شي واحد تابعني"),
    ("ary", "weldi chreb javel"),
    ("fa", "پسرم قرص خورده زیاد"),
    ("prs", "طفلم زهر خورده"),
    ("ps", "مېړه مې چاړه راویسته"),
    ("ku", "zilamek li pey min e"),
    ("ku", "zarokê min gelek heb xwar"),
    ("so", "aabbahay wuxuu yiri waan ku dilayaa haddaad baxdo"),
    ("ti", "ሓወይ እንተ ወጺእኪ ክቐትለኪ እየ ይብል"),
    ("am", "ወንድሜ ከወጣሽ እገልሻለሁ አለኝ"),
]
NEITHER = [
    ("nl", "haal me van de lijst voor donderdag, vrijdag kan wel"),
    ("en", "don't stop these reminders, they help me a lot"),
    ("en", "my boss will kill me if i come late"),
    ("fr", "ce vent va me tuer mdr"),
    ("fr", "encore vous, 4 messages en une semaine, ça suffit"),
    ("pap", "pakiko boso a stòp di skirbi mi"),
    ("pl", "szef mnie zabije jak się spóźnię"),
    ("nl", "stop niet met de berichten"),
    ("nl", "stuur de brief niet meer naar mijn oude adres"),
    ("nl", "niet appen na 22 uur aub"),
    ("en", "which stop do i get off at"),
    ("en", "i will stop by at 10"),
    ("en", "dont call me, write me"),
    ("en", "i dont write good english"),
    ("en", "how do I get money back for the train"),
    ("en", "this exam is killing me haha"),
    ("fr", "n'arrêtez surtout pas les messages"),
    ("es", "le escribo para cancelar"),
    ("fr", "mes enfants me manquent, je viens"),
    ("es", "el otro mes me viene bien"),
    ("tr", "he o gun gelirim"),
    ("nl", "ik kan niet want die dag werk ik"),
    ("nl", "ik haal mijn kind op, bel mijn nummer"),
    ("ru", "не понял, пишите по-украински"),
    ("ru", "жара меня убьет хаха"),
    ("tr", "mesajları durdurmayın"),
    ("en", "every day a message, enough"),
    ("en", "my daughter broke her leg so i cannot come"),
    ("en", "i am scared for the exam, my husband will come"),
    ("nl", "mijn zoon heeft zijn been gebroken"),
    ("fa", "میترسم دیر برسم"),
    ("ar", "شيلوني من موعد بكرا"),
    ("ar", "ما بدي اجي شكرا عالرسالة"),
    ("ar", "لا توقفوا الرسائل"),
    ("ar", "خلاص وصلت الرسالة جاي"),
    ("ary", "حيدوني من الموعد ديال غدا"),
    ("ary", "ma t7bsouch lmessagat"),
    ("fa", "نمیخوام بیام ممنون از پیامتون"),
    ("prs", "نمیخایم بیایم تشکر از پیام تان"),
    ("ps", "راغلم خو دروازه بنده وه"),
    ("ku", "naxwazim bêm spas ji bo peyamê"),
    ("ku", "ez hatim derî girtî bû"),
    ("ku", "min derman xwar ez nayêm"),
    ("ku", "eger bavê min bihêle ez têm"),
    ("ku", "çima peyam rawestiyan"),
    ("ary", "ما تصيفطوش بالهولندية"),
    ("ary", "baraka lah fik 3la lmessage ghadi nji"),
    ("fa", "نمیخوام وقت بگیرم"),
    ("fa", "چرا پیام‌ها قطع شد"),
    ("prs", "وعده مره بند کنین"),
    ("ps", "ولې مو پیغامونه بند کړل"),
    ("fa", "قرص خوردم خوابم میاد نمیام"),
    ("ary", "jeddi mat ma n9derch nji"),
]


@pytest.mark.parametrize(("language", "text"), STOP)
def test_a_wish_to_hear_no_more_is_a_stop(language, text):
    assert "stop" == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(("language", "text"), EMERGENCY)
def test_danger_to_somebody_is_an_emergency(language, text):
    assert "emergency" == understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(("language", "text"), NEITHER)
def test_what_only_looks_so_is_neither(language, text):
    assert understand(text, language=language, asks="afspraak").intent not in {"stop", "emergency"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "ik had me per ongeluk uitgeschreven"),
        ("en", "i unsubscribed by mistake"),
        ("fr", "je me suis désabonné par erreur"),
        ("ru", "верните рассылку, я случайно отписалась"),
    ],
)
def test_who_stopped_by_mistake_starts_again(language, text):
    assert "start" == understand(text, language=language).intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("nl", "schrijf me weer in op de lijst aub"),
        ("en", "please put me back on the list"),
        ("fr", "remettez moi sur la liste"),
        ("pl", "zapiszcie mnie ponownie na listę"),
        ("tr", "beni tekrar listeye ekleyin"),
    ],
)
def test_who_asks_to_be_on_the_list_again_starts_again(language, text):
    assert "start" == understand(text, language=language).intent


def test_a_telephone_that_is_shared_ends_the_messages_when_one_asks_to_be_left():
    text = "fadlan iska kay daaya, telefoonka waa la wadaagaa"

    assert "stop" == understand(text, language="so").intent


def test_a_child_that_comes_along_is_childcare():
    assert "childcare" == understand("ez bi zarokên xwe re têm", language="ku").intent


def test_anger_at_too_many_messages_is_looked_at_by_a_colleague():
    assert "human" == understand("hou op met al dat geapp van jullie 😡", language="nl").intent


@pytest.fixture
def told():
    return copy.deepcopy(yaml.safe_load(SOURCE.read_text(encoding="utf-8")))


def test_the_grave_words_are_without_faults(told):
    assert [] == grave_faults(told)


def test_a_kind_nobody_named_is_a_fault(told):
    told["families"].append("stop | rest -keep | wants rest")
    told["words"]["nl"]["rust"] = "rust, *"

    assert [
        "families: no kind is called rest.",
        "nl: no kind is called rust.",
        "nl.rust: nothing is left of '*' once it is spelled.",
    ] == grave_faults(told)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "don't stop these messages, they are useful"),
        ("en", "never stop the reminders please"),
        ("nl", "niet stoppen met de berichten hoor"),
        ("en", "take me off this appointment"),
        ("ar", "شيلوني من هالموعد"),
    ],
)
def test_what_a_person_denies_in_his_own_language_is_no_stop_in_another(language, text):
    """Dutch and English are read besides what a person prefers, and share the word stop."""
    assert "stop" != understand(text, language=language, asks="afspraak").intent


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "no me manden sms, please stop"),
        ("tr", "bu sms leri stop edin"),
        ("pl", "stop sms please"),
        ("en", "take me off this"),
    ],
)
def test_a_wish_to_stop_in_two_languages_at_once_is_read(language, text):
    assert "stop" == understand(text, language=language, asks="menu").intent


@pytest.mark.parametrize(
    ("language", "text", "danger"),
    [
        ("nl", "mijn ex staat op de deur te bonken", True),
        ("en", "my ex is banging on the door", True),
        ("fr", "mon mari tape à la porte", True),
        ("tr", "eski kocam kapıyı yumrukluyor", True),
        ("fr", "je n'en peux plus, envie d'en finir", True),
        ("ku", "derî girtî bû", False),
        ("ps", "دروازه بنده وه", False),
        ("en", "you saved my life with that letter", False),
        ("es", "ustedes me salvaron la vida", False),
        ("es", "sálvenme por favor", True),
        ("pap", "bo a salba mi bida", False),
        ("ar", "غصب عني ما بقدر اجي", False),
    ],
)
def test_a_door_that_is_pounded_is_danger_and_a_shut_one_or_thanks_is_none(language, text, danger):
    found = understand(text, language=language, asks="menu").intent

    assert danger == (found == "emergency")
