"""The lines that mail programs put in front of what they quote, in every language we know them in.

A native speaker can correct these tables; nothing else has to change.
"""

import re

ATTRIBUTIONS: dict[str, tuple[str, str]] = {
    # language: (how the line begins, the words that make it an attribution); a digit must stand in it too
    "en": (r"On|At|-+ ?On", r"wrote|writes"),
    "fr": (r"Le|Date|En date du", r"a écrit|écrivait|a ecrit"),
    "nl": (r"Op|Am", r"schreef|geschreven"),
    "pt": (r"Em|A|No dia|Na", r"escreveu|escreveram"),
    "ja": (r"\d{2,4}[年/]|On", r"書きました|のメッセージ|wrote|書かれました"),
    "de": (r"Am|Vom|Von", r"schrieb|geschrieben"),
    "es": (r"El|Con fecha|En", r"escribió|escribio"),
    "it": (r"Il|In data|Nel", r"ha scritto|scrisse|scriveva"),
    "pl": (r"W dniu|Dnia|W|\w{2,12},", r"napisał|pisze|napisała"),
    "ru": (r"\d{1,2}|\w{2,12},|В", r"пишет|написал|написала|писал"),
    "sv": (r"Den|På|\w{2,4}", r"skrev"),
    "da": (r"Den|På|\w{2,4}", r"skrev"),
    "no": (r"Den|På|\w{2,4}", r"skrev"),
    "fi": (r"\w{2,14}|\d{1,2}", r"kirjoitti"),
    "cs": (r"Dne|\w{2,4}", r"napsal"),
    "tr": (r"\d{1,2}|Tarih", r"yazdı|yazmış"),
    "zh": (r"在|于|\d{2,4}", r"写道|寫道|写入|寫入"),
    "ko": (r"\d{2,4}|On", r"작성|님이"),
}
ORIGINAL_MESSAGE: dict[str, tuple[str, ...]] = {
    # between dashes, alone on a line
    "en": ("original message", "forwarded message", "original appointment", "reply message", "reply above this line"),
    "fr": ("message d'origine", "message original", "message transféré", "message initial"),
    "nl": ("oorspronkelijk bericht", "origineel bericht", "doorgestuurd bericht"),
    "pt": ("mensagem original", "mensagem encaminhada", "mensagem reencaminhada"),
    "ja": ("original message", "元のメッセージ", "転送メッセージ", "転送されたメッセージ"),
    "de": (
        "ursprüngliche nachricht", "originalnachricht", "original-nachricht", "original nachricht",
        "weitergeleitete nachricht",
    ),
    "es": ("mensaje original", "mensaje reenviado"),
    "it": ("messaggio originale", "messaggio inoltrato"),
    "pl": ("oryginalna wiadomość", "wiadomość oryginalna", "wiadomość przekazana dalej"),
    "ru": ("исходное сообщение", "пересылаемое сообщение", "пересланное сообщение", "original message"),
    "sv": ("ursprungligt meddelande", "originalmeddelande", "vidarebefordrat meddelande"),
    "da": ("oprindelig meddelelse", "oprindelig besked", "videresendt besked", "original meddelelse",
           "videresendt meddelelse"),
    "no": ("opprinnelig melding", "original melding", "videresendt melding"),
    "fi": ("alkuperäinen viesti", "välitetty viesti"),
    "cs": ("původní zpráva", "původní e-mail", "přeposlaná zpráva"),
    "tr": ("orijinal mesaj", "özgün ileti", "iletilen mesaj"),
    "zh": ("原始邮件", "原始郵件", "转发邮件", "转发的邮件", "邮件原件"),
    "ko": ("원본 메시지", "전달된 메시지", "original message"),
}  # fmt: skip
FORWARD_LINES: tuple[str, ...] = (
    "begin forwarded message", "début du message réexpédié",
    "begin doorgestuurd bericht", "anfang der weitergeleiteten",
    "inicio del mensaje reenviado", "inizio messaggio inoltrato", "início da mensagem encaminhada",
    "début du message transféré",
)  # fmt: skip
FIELDS: dict[str, str] = {
    # what the copied header fields are called, by what they hold
    "from": (
        "From|De|Van|Von|Da|Desde|Remetente|Expéditeur|Afzender|Absender|Mittente|Od|От|От кого|Från|Fra|Lähettäjä"
        "|Kimden|Gönderen|发件人|發件人|寄件者|差出人|보낸 사람|보낸사람|Message du|De la part de|Feladó|Από"
    ),
    "date": (
        "Sent|Date|Sent at|Envoyé|Envoyé le|Verzonden|Datum|Verzonden op|Gesendet|Enviado|Enviada|Enviado el"
        "|Enviada em|Enviado em|Data|Fecha|Inviato|Wysłano|Wysłane|Отправлено|Дата|Skickat|Sendt|Lähetetty|Päivämäärä"
        "|Odesláno|Tarih|Gönderildi|Gönderme Tarihi|发送时间|發送時間|寄件日期"
        "|日期|送信日時|日時|보낸 날짜|날짜|Dato|Sent on"
    ),
    "to": (
        "To|À|A|Aan|An|Para|Destinatario|Destinataire|Do|Кому|Till|Til|Vastaanottaja|Komu|Kime|Alıcı|收件人|收件者"
        "|宛先|받는 사람|받는사람|Pour"
    ),
    "cc": "Cc|CC|Kopie|Copie|Copie à|Copia|Con copia|Kopia|Kopi|Копия|Kopio|抄送|副本|참조|Bilgi|DW",
    "subject": (
        "Subject|Objet|Sujet|Onderwerp|Betreff|Assunto|Asunto|Oggetto|Temat|Тема|Ämne|Emne|Aihe|Předmět|Konu"
        "|主题|主題|件名|제목|Ονομα"
    ),
    "reply_to": "Reply-To|Répondre à|Antwort an|Antwoord aan|Responder a|Rispondi a|Importance|Priority",
}
DEVICES: tuple[str, ...] = (
    # how a last line begins that the program or the phone has added, in lower case
    "sent from ", "sent via ", "sent with ", "sent by my ", "sent using ", "sent wirelessly ", "get outlook for ",
    "envoyé de ", "envoyé depuis ", "envoyé à partir de ", "envoyé avec ", "télécharger outlook pour ",
    "téléchargez outlook pour ", "obtenir outlook pour ",
    "verzonden vanaf ", "verzonden vanuit ", "verzonden met ",
    "verzonden via ", "verstuurd vanaf ", "verstuurd vanuit ",
    "verstuurd met ", "verstuurd via ", "outlook voor ios", "outlook voor android", "download outlook voor ",
    "enviado do ", "enviado da ", "enviado de ",
    "enviado desde ", "enviado a partir d", "enviado pelo ", "enviado via ",
    "enviada do ", "obter o outlook para ", "obtenha o outlook para ", "obtener outlook para ",
    "iphoneから送信", "iphone から送信", "ipadから送信", "androidから送信", "スマートフォンから送信", "outlookから送信",
    "von meinem ", "gesendet von ", "gesendet mit ", "von unterwegs gesendet", "diese nachricht wurde von meinem ",
    "outlook für ios", "outlook für android",
    "inviato da ", "inviato dal ", "inviato con ", "inviato tramite ", "scarica outlook per ", "ottieni outlook per ",
    "wysłane z ", "wysłano z ", "отправлено с ", "отправлено из ",
    "skickat från ", "sendt fra ", "lähetetty ", "odesláno z ",
    "发自我的", "從我的", "나의 iphone에서 보냄",
)  # fmt: skip
DEVICE_ENDINGS: tuple[str, ...] = ("gönderildi", "から送信", "에서 보냄")

VERBS: tuple[str, ...] = tuple(
    sorted({word.lower() for _, words in ATTRIBUTIONS.values() for word in words.split("|")})
)
BEGINNING = re.compile(
    r"[\s>*_-]{0,8}(?:"
    + "|".join(sorted({begin for begin, _ in ATTRIBUTIONS.values()}))
    + r")(?=\W|\d|(?<=\d)|(?<=[,年/在于]))",
    re.IGNORECASE,
)
BEGINNING_SURE = re.compile(
    r"[\s>*_-]{0,8}(?:On|Le|Op|Em|Am|El|Il|W dniu|Dne|Den|在)\W{0,3}(?:\w{2,12}\W{1,3}){0,3}\d", re.IGNORECASE
)
"""A beginning that leaves no doubt: the preposition and the date."""
DATED = re.compile(
    r"\**\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:,? \d{1,2}:\d\d(?::\d\d)?)?(?: (?:GMT|UTC)[+-]\d\d:?\d\d .{1,200}|"
    r".{0,200}<[^<>\s]{1,200}@[^<>\s]{1,200}>):?"
)
"""An old Gmail attribution: a date and who, without a verb."""
DELIMITER = re.compile(
    r"[\s>*_]{0,8}[-—_=*]{2,60}\s{0,4}(?:"
    + "|".join(re.escape(words) for rows in ORIGINAL_MESSAGE.values() for words in rows)
    + r")\b.{0,40}|[\s>]{0,8}(?:"
    + "|".join(map(re.escape, FORWARD_LINES))
    + r")\b.{0,30}",
    re.IGNORECASE,
)
FIELD = re.compile(
    r"[\s>|]{0,8}\**(?:" + "|".join(f"(?P<{kind}>{names})" for kind, names in FIELDS.items()) + r")\**\s{0,2}[:：]\**",
    re.IGNORECASE,
)
