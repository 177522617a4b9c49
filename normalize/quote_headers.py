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
    "da": ("oprindelig meddelelse", "oprindelig besked", "videresendt besked", "original meddelelse", "videresendt meddelelse"),
    "no": ("opprinnelig melding", "original melding", "videresendt melding"),
    "fi": ("alkuperäinen viesti", "välitetty viesti"),
    "cs": ("původní zpráva", "původní e-mail", "přeposlaná zpráva"),
    "tr": ("orijinal mesaj", "özgün ileti", "iletilen mesaj"),
    "zh": ("原始邮件", "原始郵件", "转发邮件", "转发的邮件", "邮件原件"),
    "ko": ("원본 메시지", "전달된 메시지", "original message"),
}  # fmt: skip
FORWARD_LINES: tuple[str, ...] = (
    "begin forwarded message", "début du message réexpédié", "begin doorgestuurd bericht", "anfang der weitergeleiteten",
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
        "|Odesláno|Tarih|Gönderildi|Gönderme Tarihi|发送时间|發送時間|寄件日期|日期|送信日時|日時|보낸 날짜|날짜|Dato|Sent on"
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
    # a last line that the program or the phone has added
    r"Sent (?:wirelessly )?(?:from|via|with|by|using) (?:my |a |an |the )?\S.{0,80}",
    r"Get Outlook for (?:iOS|Android).{0,80}",
    r"Envoyé (?:de|depuis|à partir de|avec) (?:mon |ma |l'|Outlook|Yahoo|un |une )?.{0,80}",
    r"(?:Télécharger|Obtenir|Téléchargez) Outlook pour .{0,80}",
    r"(?:Verzonden|Verstuurd) (?:vanaf|vanuit|met|via|van) .{0,80}",
    r"(?:Outlook voor (?:iOS|Android)|Download Outlook voor).{0,80}",
    r"Enviad[oa] (?:do|da|de|desde|a partir d[oe]|pelo|via|através) .{0,80}",
    r"(?:Obter o|Obtenha o|Obtener) Outlook para .{0,80}",
    r"iPhone ?から送信.{0,20}", r"(?:iPad|Android|スマートフォン|Outlook) ?(?:端末)?から送信.{0,20}",
    r"(?:Von meinem|Gesendet von|Gesendet mit|Von unterwegs|Diese Nachricht wurde von meinem) .{0,80}",
    r"Outlook für (?:iOS|Android).{0,40}",
    r"Inviato (?:da|dal|con|tramite) .{0,80}", r"(?:Scarica|Ottieni) Outlook per .{0,80}",
    r"Wysłane? z .{0,80}", r"Отправлено (?:с|из) .{0,80}", r"Skickat från .{0,80}", r"Sendt fra .{0,80}",
    r"Lähetetty .{0,80}", r"Odesláno z .{0,80}", r".{0,40}(?:'den|'dan|’dan|’den) gönderildi.{0,10}",
    r"发自我的.{0,40}", r"從我的.{0,20}傳送", r"나의 .{0,20}에서 보냄",
)  # fmt: skip

_ENDINGS = "|".join(sorted({words for _, words in ATTRIBUTIONS.values()}))
VERB = re.compile(rf"(?:{_ENDINGS})", re.IGNORECASE)
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
    r"\**\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:,? \d{1,2}:\d\d(?::\d\d)?)?(?: (?:GMT|UTC)[+-]\d\d:?\d\d .{1,200}|.{0,200}<[^<>\s]{1,200}@[^<>\s]{1,200}>):?"
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
DEVICE = re.compile(r"[\s*_\[(]{0,6}(?:" + "|".join(DEVICES) + r")", re.IGNORECASE)
