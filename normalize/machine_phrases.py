"""Words by which machines give themselves away, as data. Used only beside other evidence or when unmistakable."""

import re

OUT_OF_OFFICE_SUBJECTS: tuple[str, ...] = (
    # how the subject begins, in lower case
    "out of office", "out of the office", "on vacation", "vacation", "away from", "abwesen", "absence du bureau",
    "absent du bureau", "afwezig", "niet aanwezig", "ausência", "fora do escritório", "ausente", "fuera de la oficina",
    "fuori ufficio", "fuori sede", "assente", "frånvaro", "poissa", "不在", "부재중",
)  # fmt: skip
UNMISTAKABLE_SUBJECTS: tuple[str, ...] = (
    # enough beside a text that says the same, without any other sign of a machine; holidays alone are not
    "out of office", "out of the office", "abwesenheit", "absence du bureau", "absent du bureau", "afwezigheid",
    "fora do escritório", "fuera de la oficina", "fuori ufficio", "fuori sede", "不在通知", "不在のお知らせ", "부재중",
)  # fmt: skip
OUT_OF_OFFICE_TEXT = re.compile(
    r"out of (?:the )?office|on (?:annual |parental |maternity |sick )?(?:leave|vacation|holiday)|"
    r"limited access to (?:my )?e-?mail"
    r"|nicht (?:im (?:haus|büro|hause)|erreichbar)|im urlaub|außer haus|absent(?:e)? (?:du|jusqu)|"
    r"en (?:congés?|vacances)"
    r"|afwezig|niet op kantoor|met (?:vakantie|verlof)|de férias|ausente|fora do escritório|de vacaciones|"
    r"fuera de la oficina"
    r"|in ferie|fuori ufficio|不在|休暇|休みを|på semester|på ferie|lomalla|urlop|в отпуске|dovolen|izinde|休假|휴가",
    re.IGNORECASE,
)
AUTO_REPLY_SUBJECTS: tuple[str, ...] = (
    "automatic reply", "auto reply", "auto-reply", "automatic response", "auto response", "auto-response", "autoreply",
    "automatische antwort", "abwesenheitsnotiz", "réponse automatique", "automatisch antwoord", "resposta automática",
    "resposta automatica", "respuesta automática", "respuesta automatica", "risposta automatica", "autosvar",
    "automatiskt svar", "automatisk svar", "automatyczna odpowiedź", "automaattinen vastaus", "automatická odpověď",
    "otomatik yanıt", "автоматический ответ", "автоответ", "自動返信", "自動応答", "自动回复", "自動回覆", "자동 회신",
)  # fmt: skip
"""What programs put, with a colon, in front of the subject they answer; no person does."""
FEEDBACK_SUBJECT = re.compile(r"^complaint about message from [\d.:a-f]+$", re.IGNORECASE)
MTA_WORDS = re.compile(
    r"RCPT TO:|failed recipient|remote host said|(?:said|reason|error)[^\n]{0,30}\b5\d\d\b|\b5\d\d[ -]5\.\d|"
    r"transcript of session|"
    r"message could not be delivered to (?:mobile|one or more)|non-delivery report|MAILER-DAEMON|delivery-status",
    re.IGNORECASE,
)
"""Words of servers that do not stand in a person's complaint about a parcel."""
DAEMON = re.compile(
    r"^(?:mailer[-_.]?daemon|mail[-_]?daemon|post[-_.]?master|mailerdaemon|mdaemon|maildaemon|mail[-_.]?system|"
    r"mailsubsystem|mmdf|"
    r"(?:mail)?[-_.]?delivery[-_.]?(?:subsystem|system|status|failure)?|bounces?(?:[-_+.].*)?|double[-_]bounce|"
    r"smtp[-_.]?gateway|"
    r"microsoftexchange[0-9a-f]{8,}.*|uucp|root\+?mailer)$",
    re.IGNORECASE,
)
NO_REPLY = re.compile(
    r"^(?:no|not|dont|do[-_.]?not|ne|non|nao|kein|keine)[-_.]?(?:reply|repl[iy]|respond|repondre|antwort|"
    r"antworten|responda)"
    r"(?:[-_.+].*)?$|^(?:autoreply|auto[-_.]?reply|autoresponder|auto[-_.]?responder)$",
    re.IGNORECASE,
)
BOUNCE_SUBJECTS: tuple[str, ...] = (
    # what stands in the subject, in lower case
    "undeliver", "non remis", "non-remis", "non delivery",
    "non-delivery", "nondelivery", "nondeliverable", "non-deliverable",
    "not deliver", "not be deliver", "delivery status", "delivery failure", "delivery failed", "delivery problem",
    "delivery notification", "delivery has failed", "delivery report", "delivery error", "delivery unsuccessful",
    "delivery is delayed", "delivery delay", "returned mail", "returned to sender", "returned message", "mail delivery",
    "mail system error", "mail failure", "mail status report", "mail not delivered", "mail error", "failure notice",
    "failure delivery", "failure notification", "message delivery", "message could not", "message not delivered",
    "message status", "message delayed", "message frozen", "cannot deliver", "cannot be deliver", "unable to deliver",
    "could not send", "couldn't be delivered", "unzustellbar", "zustellung", "fehlgeschlagen", "nicht zugestellt",
    "onbestelbaar", "niet bezorgd", "échec", "no se puede entregar", "não foi possível entreg", "não foi entreg",
    "não entregue", "mancata consegna", "mancato recapito",
    "impossibile recapitare", "配信不能", "配信できません", "配信エラー",
    "送信不能", "送信エラー", "送信できません", "返送", "недоставлен", "не доставлен", "退信", "rejected", "bounce",
    "warning: could not", "user unknown", "mailbox full",
    "mailbox unavailable", "address rejected", "address not found",
    "postmaster notify", "error sending", "email error",
    "permanent error", "mail could not", "dsn", "problem delivering",
    "transient error", "failed mail",
)  # fmt: skip
DELAYED = re.compile(
    r"will (?:keep trying|be retried|continue to (?:try|retry)|retry)|(?:has|have) not (?:yet )?been delivered|"
    r"delayed|no action is required"
    r"|still being retried|noch nicht zugestellt|do not need to resend",
    re.IGNORECASE,
)
REASONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    # status that the words stand for when no code does (RFC 3463)
    (
        "5.2.2",
        re.compile(
            r"(?:mail)?(?:box|folder|drop) (?:is |has )?(?:been )?(?:full|exceed|over)|over ?quota|"
            r"quota (?:is )?(?:exceed|full|violation)|exceed(?:s|ed|ing)? (?:its |the |his |their )?"
            r"(?:maximum |storage |mailbox |disk )*(?:allocation|quota|size|limit|storage)|not enough (?:disk |"
            r"storage )?space|out of storage|disk full|容量",
            re.IGNORECASE,
        ),
    ),
    (
        "5.1.1",
        re.compile(
            r"user (?:is )?(?:unknown|not found|doesn.t exist|does not exist|not known)|unknown (?:user|"
            r"recipient|address|local)|no such (?:user|recipient|mailbox|address|person|account)|"
            r"(?:mailbox|recipient|address|account|e-?mail)[^\n]{0,60}(?:not (?:be )?found|unknown|"
            r"does not exist|doesn.t exist|not exist|invalid|unavailable|not listed)|"
            r"invalid (?:recipient|mailbox|user|address)|not a (?:valid|known) (?:user|recipient|address)|"
            r"addressee unknown|user not|"
            r"unrouteable address|no mailbox|(?:does|do)(?:n.t| not) have (?:an?|any) [^\n]{0,30}account|"
            r"not listed in|宛先(?:不明|が)|存在しません|unknown or illegal alias",
            re.IGNORECASE,
        ),
    ),
    (
        "5.1.2",
        re.compile(
            r"host (?:unknown|not found|name lookup)|unknown (?:host|domain)|domain (?:not found|"
            r"does not exist|name not)|no such (?:host|domain)|name or service not known|"
            r"unrouteable mail domain|nxdomain|mx (?:record|lookup)|can.t (?:find|resolve)",
            re.IGNORECASE,
        ),
    ),
    (
        "5.3.4",
        re.compile(
            r"(?:message|mail|attachment)[^\n]{0,40}(?:too (?:big|large)|size (?:exceed|limit)|exceeds)", re.IGNORECASE
        ),
    ),
    (
        "5.7.1",
        re.compile(
            r"spam|blocked|blacklist|block list|blocklist|rejected (?:by|due|for)|not (?:permitted|allowed|"
            r"authorized)|(?:relay|relaying|access) (?:access )?denied|"
            r"policy|refused|virus|content",
            re.IGNORECASE,
        ),
    ),
    (
        "4.4.1",
        re.compile(
            r"timed? ?out|connection (?:dropped|reset)|retry time|temporar(?:y|ily) (?:fail|error|unavail|"
            r"defer|rej)|deferred|delayed",
            re.IGNORECASE,
        ),
    ),
)
FAILURE = re.compile(
    r"could ?n[o']t (?:be |have been )?(?:deliver|sent|process)|could not be (?:deliver|sent)|"
    r"cannot (?:be )?deliver|can ?not (?:be )?(?:deliver|sen[dt])|unable to (?:deliver|relay|send)|"
    r"not (?:been )?(?:be )?deliver|undeliver|"
    r"delivery (?:to|attempt|has|of|failed|failure|error|unsuccessful|status)|failed (?:permanently|to deliver|"
    r"address|recipient)|(?:following|these) (?:\w+ )?(?:address|recipient)|returned (?:to|mail|message)|"
    r"message (?:was )?rejected|"
    r"permanent(?:ly)? (?:fatal )?(?:error|fail)|fatal error|user unknown|unknown user|no such user|mailbox|"
    r"nicht (?:zu)?(?:ge)?(?:stellt|stellen|liefer)|unzustellbar|n'a pas (?:pu|été)|non (?:è stato|recapit)|"
    r"não (?:foi|pôde)|no se (?:pudo|ha podido|puede)|配信|配送|送信でき|届けられ|失敗|не (?:доставлен|удалось|"
    r"может быть)|не был[оа]? доставлен|退信|error:|reason:|retry timeout|\b5\d\d[ -]|"
    r"\b[45]\.\d{1,3}\.\d{1,3}\b",
    re.IGNORECASE,
)
