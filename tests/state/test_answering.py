from __future__ import annotations

from outlay.settings import Settings
from outlay.state.new import NewConnection


def test_the_answer_to_a_body_with_odd_letters_is_kept(state: Settings) -> None:
    """PostgreSQL keeps no NUL and no half of a letter, which a faulty body may hold and its answer shows."""
    from outlay.state import answering, connections

    connections.add(NewConnection("acme", "stream", "", cloud_provider="Acme"))
    told = {"error": {"message": "no \0"}, "errors": [{"row": 1, "field": "\ud800", "value": "a\0b", "next": None}]}
    digest = answering.digest("k")
    answer = answering.keep("acme", digest, answering.Answer(400, told))
    assert answer.told["errors"][0]["row"] == 1
    assert answering.answered("acme", digest) == answer
    assert answering.keep("acme", digest, answering.Answer(200, {})) == answer
