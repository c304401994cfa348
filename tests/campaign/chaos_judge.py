"""Whether calls ended as they should: as the model has it, on all ranks alike, with words that say why."""

from chaos_model import same


def one_error(told):
    """Whether all ranks raise one error: who had it first raises it as it was, the others say whose it is."""
    texts = sorted({text.partition("\0")[0] for _, text, *_ in told}, key=len)
    from_others = [text for text in texts if text.startswith(("rank ", "ranks "))]
    if len(texts) == 1 or not from_others:
        return True  # or each rank has one of its own
    own = [text for text in texts if text not in from_others]
    return len(from_others) == 1 and any(text[:200] in from_others[0] for text in own)


def shown(told, most):
    return [(kind, text[:most]) for kind, text, *_ in told]


def difference(told, wrong):
    """What is wrong where some ranks fail; they may differ in their words where all were to be refused."""
    if any(kind == "ok" for kind, *_ in told):
        return f"some ranks fail, some do not: {shown(told, 500)}"
    if any(late and "to open a collio object" not in text for _, text, _, _, late in told):
        return f"ranks waited until the deadline: {shown(told, 500)}"
    if not wrong and not one_error(told):
        return f"different texts: {shown(told, 500)}"
    return None


def nameless(told, odd):
    """What is wrong where other ranks are not told who failed."""
    wheres = [where for i, (_, _, where, *_) in enumerate(told) if i not in odd]
    names = ["ranks ", *(f"rank {r}" for r in odd)]
    if len(wheres) in (0, len(told)) or all(any(name in where for name in names) for where in wheres):
        return None
    return f"no rank is named: {shown(told, 500)} {wheres}"


class Judge:
    """It notes as problems of a program what is wrong with its calls."""

    def __init__(self, calls, kind):
        self.calls, self.kind = calls, kind

    def step(self, step, me, outcome):
        """One rank's outcome of a step that all make. With faults, any is possible."""
        if self.kind == "fault":
            return
        if step.wrong:
            self.refused(step, outcome.kind == "ok")
        elif outcome.kind != "ok":
            self.calls.problem(f"{step.name} failed: {outcome.kind}: {outcome.text[:600]}")
        elif step.expect is not None and not same(outcome.value, step.expect[me]):
            self.calls.problem(f"{step.name}: got {outcome.value!r:.400}, wanted {step.expect[me]!r:.400}")

    def refused(self, step, accepted):
        if step.wrong and accepted:
            self.calls.problem(f"{step.name} should be refused, and was not")

    def told(self, outcome, text, what):
        """Whether a rank was told in time what others did: in these words."""
        if not outcome.ours or outcome.late or text not in outcome.text:
            self.calls.problem(f"others were not told of {what}: {outcome.plain()}")

    def told_of_exception(self, step, outcome):
        if not ((outcome.ours or step.wrong) and "only here" in outcome.where):
            self.calls.problem(f"others were not told of the exception: {outcome.plain()}")

    def one(self, step, told):
        """The same error on all ranks."""
        if not step.local and not one_error(told):
            self.calls.problem(f"{step.name}: ranks raise different errors: {[text for _, text, *_ in told]}")

    def alike(self, step, told, odd=()):
        """All fail, or none; with words that name one who failed."""
        wrong = step is not None and step.wrong
        if all(kind == "ok" for kind, *_ in told):
            return
        text = difference(told, wrong) or (None if wrong else nameless(told, odd))
        if text:
            self.calls.problem(text)

    def split(self, step, told, odd, natural=False):
        """All get the same CollectiveError, which has the odd ranks apart; or, if `natural`, another alike."""
        if step.wrong or (natural and not all(ours for *_, ours, _ in told)):
            self.alike(step, told, odd)
        elif not all(ours and not late for *_, ours, late in told) or len({text for _, text, *_ in told}) > 1:
            self.calls.problem(f"not the same CollectiveError on all: {shown(told, 700)}")
