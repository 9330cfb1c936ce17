"""English words whose forms no stemmer brings together: pay and paid, child and children.

Left out on purpose are forms that are more often another word: left, saw, felt, found, resent,
rose, lay, ground, bound, wound, bit, lit, won (the currency), bore, leaves, lives, better, worse.
"""

from __future__ import annotations

# A word and then its forms, one word a line; prefixes are listed where the word is usual at work.
_LISTED = """
arise arose arisen
awake awoke awoken
become became
begin began begun
bend bent
bleed bled
blow blew blown
break broke broken
breed bred
bring brought
build built
rebuild rebuilt
burn burnt
buy bought
catch caught
choose chose chosen
cling clung
come came
overcome overcame
creep crept
deal dealt
dig dug
draw drew drawn
withdraw withdrew withdrawn
dream dreamt
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
fight fought
flee fled
fly flew flown
forbid forbade forbidden
foresee foresaw foreseen
forget forgot forgotten
forgive forgave forgiven
freeze froze frozen
get got gotten
give gave given
go went gone
undergo underwent undergone
grow grew grown
hang hung
hear heard
hide hid hidden
hold held
uphold upheld
withhold withheld
keep kept
know knew known
lay laid
lead led
mislead misled
lean leant
leap leapt
learn learnt
lend lent
lose lost
make made
mean meant
meet met
mistake mistook mistaken
mow mown
pay paid
repay repaid
prepay prepaid
overpay overpaid
underpay underpaid
prove proven
ride rode ridden
ring rang rung
run ran
say said
see seen
seek sought
sell sold
resell resold
send sent
sew sewn
shake shook shaken
shoot shot
show shown
shrink shrank shrunk
sing sang sung
sink sank sunk
sit sat
sleep slept
slide slid
sow sown
speak spoke spoken
speed sped
spell spelt
spend spent
overspend overspent
spill spilt
spin spun
stand stood
steal stole stolen
stick stuck
strike struck stricken
swear swore sworn
sweep swept
swell swollen
swim swam swum
swing swung
take took taken
overtake overtook overtaken
undertake undertook undertaken
teach taught
tear tore torn
tell told
think thought
throw threw thrown
understand understood
misunderstand misunderstood
undo undid undone
wake woke woken
wear wore worn
weave wove woven
weep wept
write wrote written
rewrite rewrote rewritten
child children
foot feet
goose geese
half halves
knife knives
man men
woman women
chairman chairmen
craftsman craftsmen
mouse mice
shelf shelves
thief thieves
tooth teeth
wife wives
criterion criteria
phenomenon phenomena
index indices
appendix appendices
matrix matrices
vertex vertices
"""


def _by_form() -> dict[str, str]:
    found = {}
    for line in _LISTED.split("\n"):
        word, *forms = line.split() or [""]
        found.update(dict.fromkeys(forms, word))
    return found


BASE_FORM = _by_form()
"""Form to word, in lower case."""
