"""What may follow a Korean noun or verb stem within the same word: particles, the copula and endings."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARTICLES = _words("""
    은 는 이 가 을 를 의 에 도 만 과 와 로 으로 랑 이랑 하고 나 이나 든 이든 라도 이라도 며 이며 께
    께서 에게 한테 에서 에는 에도 에만 에서는 에서도 에게서 한테서 으로는 으로도 으로서 으로써 로서 로써 로는
    로도 부터 까지 까지는 까지도 마다 조차 마저 밖에 보다 보다는 처럼 만큼 대로 같은 같이 만은 만이 만의 들
    들은 들이 들을 들의 들도 들에게 들과 들이랑 님 님은 님이 님의 님을 님도 님께 님이랑 씨 씨는 씨가 씨의 별
    별로 측 측이 측은 야 이야 요 이요 예요 이에요 죠 이죠 다 이다 입니다 인가 인가요 인지 인데 인데요 이고
    고 이지 지 였다 이었다 였나요 이었나요 입니까 라고 이라고 란 이란 라는 이라는 라면 이라면 네 이네 네요
    이네요 뿐 뿐만 에대해 에대한 관련
""")

_ENDINGS = _words("""
    하다 한다 해 해요 했어 했어요 했나 했나요 합니다 합니까 하나 하나요 하는 하는지 하는데 하면 하려면 하려고
    하고 하기 할 할까 할까요 하지 하죠 할지 한 한지 했는지 했던 하게 해서 해도 해야 해줘 해주세요 하는가 한가
    하니 하냐 하자 했다 했지 되다 된다 돼 돼요 되나 되나요 되는 되는지 되면 되고 됐어 됐나요 됐나 될 될까
    될까요 된 됩니까 됩니다 되었나요 되었는지 되니 당하다 당해 당했어 당하면 당하나요 당한 당할 받 받는 받아
    받나요 받고 받을 받은 어 아 어요 아요 었어 았어 었나 었나요 았나요 나요 니 냐 니까 습니까 습니다 을까
    을까요 을지 는지 는데 는 은지 은 면 으면 려면 려고 려는 려나 려나요 기 고 지 지마 줘 줘요 주세요 줄래
    주라 주실래요 려주세요 려줘 려 려줄래 려줘요 나 네 래 래요 십시오 시오 시나요 시는 신 셨나요 신지 으세요
    세요 어줘 아줘 어주세요 아주세요 을래 을래요 자 다 던 던데 었던 았던
""")


def is_particle(text: str) -> bool:
    """Whether `text` is what may follow a noun: nothing, a particle or a form of the copula."""
    return not text or text in _PARTICLES


def is_ending(text: str) -> bool:
    """Whether `text` only inflects the verb stem or verbal noun before it."""
    return not text or text in _ENDINGS
