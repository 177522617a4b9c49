"""What keeps a provider from serving us for a while."""

from typing import Literal, TypeAlias

from bus.errors import Retryable

TroubleKind: TypeAlias = Literal["auth", "permission", "quota", "transient", "poison", "contract"]


class Trouble(Retryable):
    """Not now. `kind`: who can mend it (`auth`, `permission`: an operator; `quota`: time; `contract`: the provider
    answers what its documents do not say). `after`: seconds before which asking again is useless or forbidden.
    """

    def __init__(self, text: str, kind: TroubleKind = "transient", *, after: float = 0.0) -> None:
        super().__init__(text)
        self.kind = kind
        self.after = after
