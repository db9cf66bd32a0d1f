"""Batches of requests, and the length that comes with a response."""

from fault import Fault


class QueueFault(Fault):
    """A device whose virtqueue is seen."""

    more = ("batch", "used")


class BatchSecondLost(QueueFault):
    """The second request of a batch is taken and never answered."""

    found_by = ("answers-every-request", "answer")

    def together(self, requests):
        answers = super().together(requests)
        return [("silent", None, None) if at == 1 else one for at, one in enumerate(answers)]


class BatchSixteenthLost(QueueFault):
    """The sixteenth request of a batch is taken and never answered."""

    found_by = ("answers-every-request", "answer")

    def together(self, requests):
        answers = super().together(requests)
        return [("silent", None, None) if at == 15 else one for at, one in enumerate(answers)]


class BatchAnsweredBackwards(QueueFault):
    """The answers to the requests of a batch come in the wrong order."""

    found_by = ("plug-possible", "unplug-possible", "answer", "state", "config-plugged-size")

    def together(self, requests):
        return super().together(requests)[::-1]


class UsedTwelve(QueueFault):
    """A response of 10 bytes comes back with a used length of 12."""

    found_by = ("used-length",)

    def used(self, answer):
        length = super().used(answer)
        return length and length + 2
