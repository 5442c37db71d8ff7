"""Names of a known sort, and the wrong ones that could stand for them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from eval.planted_ground import Edit, Ground

Pool = Mapping[str, tuple[str, ...]]  # sort of name: names of that sort

_SORTS = {
    "country": (
        "France|Germany|Italy|Spain|Portugal|Austria|Switzerland|Belgium|Denmark|Sweden|Norway|"
        "Finland|Poland|Hungary|Romania|Bulgaria|Greece|Turkey|Russia|Ukraine|Japan|China|India|"
        "Pakistan|Bangladesh|Nepal|Thailand|Vietnam|Indonesia|Malaysia|Australia|New Zealand|"
        "Canada|Mexico|Brazil|Argentina|Chile|Peru|Colombia|Venezuela|Cuba|Egypt|Nigeria|Ghana|"
        "Kenya|Ethiopia|South Africa|Morocco|Algeria|Tunisia|Israel|Iran|Iraq|Afghanistan|"
        "Saudi Arabia|England|Scotland|Wales|Ireland|Northern Ireland|South Korea|North Korea|"
        "Taiwan|Singapore|Iceland|Croatia|Serbia|Slovenia|Slovakia|Estonia|Latvia|Lithuania|"
        "Zimbabwe|Uganda|Tanzania|Sudan|Jamaica|Bolivia|Ecuador|Uruguay|Paraguay|Haiti|Armenia"
    ),
    "state": (
        "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Hawaii|"
        "Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|"
        "Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|"
        "New Mexico|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|"
        "South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|West Virginia|Wisconsin|Wyoming"
    ),
    "city": (
        "London|Paris|Berlin|Munich|Hamburg|Vienna|Rome|Milan|Naples|Madrid|Barcelona|Lisbon|"
        "Amsterdam|Brussels|Copenhagen|Stockholm|Oslo|Helsinki|Warsaw|Prague|Budapest|Athens|"
        "Istanbul|Moscow|Kiev|Tokyo|Osaka|Beijing|Shanghai|Hong Kong|Mumbai|Delhi|New Delhi|"
        "Kolkata|Chennai|Sydney|Melbourne|Brisbane|Perth|Auckland|Toronto|Montreal|Vancouver|"
        "Chicago|Boston|Philadelphia|Los Angeles|San Francisco|San Diego|Seattle|Portland|Denver|"
        "Dallas|Houston|Atlanta|Miami|Detroit|Cleveland|Pittsburgh|Baltimore|New York City|"
        "New Orleans|Nashville|Memphis|St. Louis|Minneapolis|Cairo|Nairobi|Johannesburg|Cape Town|"
        "Manchester|Liverpool|Birmingham|Leeds|Bristol|Glasgow|Edinburgh|Dublin|Belfast|Cardiff|"
        "Buenos Aires|Rio de Janeiro|Lima|Santiago|Havana|Jerusalem|Baghdad|Tehran|Las Vegas"
    ),
    "people": (
        "American|Canadian|Mexican|Brazilian|Argentine|French|German|Italian|Spanish|Portuguese|"
        "Austrian|Swiss|Belgian|Dutch|Danish|Swedish|Norwegian|Finnish|Polish|Hungarian|Romanian|"
        "Bulgarian|Greek|Turkish|Russian|Ukrainian|Japanese|Chinese|Indian|Pakistani|Thai|"
        "Vietnamese|Indonesian|Malaysian|Australian|Egyptian|Nigerian|Kenyan|Ethiopian|Israeli|"
        "Iranian|Iraqi|English|Scottish|Welsh|Irish|British|Korean|South Korean|Cuban|Chilean"
    ),
}
_MEN = frozenset(
    "Adam Albert Alan Alex Alexander Alfred Allen Andrew Andy Anthony Arnold Arthur Barry Ben "
    "Benjamin Bernard Bill Bob Bobby Brad Brian Bruce Carl Charles Charlie Chris Christian "
    "Christopher Colin Craig Daniel Dave David Dean Dennis Derek Donald Douglas Ed Eddie Edgar "
    "Edward Edwin Eric Ernest Eugene Francis Frank Franklin Fred Frederick Gary Geoffrey George "
    "Gerald Gilbert Gordon Graham Greg Gregory Harold Harry Harvey Henry Herbert Howard Hugh Ian "
    "Isaac Ivan Jack Jacob James Jason Jay Jeff Jeffrey Jeremy Jerry Jim Jimmy Joe Joel John "
    "Johnny Jonathan Joseph Josh Joshua Juan Karl Keith Ken Kenneth Kevin Larry Lawrence Lee Leo "
    "Leonard Leslie Lewis Louis Luke Malcolm Marc Mario Martin Matt Matthew Max Michael Miguel "
    "Mike Mitchell Mohammed Muhammad Nathan Neil Nicholas Nick Nigel Norman Oliver Oscar Patrick "
    "Paul Pedro Peter Phil Philip Phillip Ralph Ray Raymond Richard Rick Robert Robin Roger Ron "
    "Ronald Ross Roy Russell Ryan Samuel Scott Sean Simon Stanley Stephen Steve Steven Stuart "
    "Ted Terry Theodore Thomas Tim Timothy Todd Tom Tommy Tony Victor Vincent Walter Wayne "
    "William Willie Winston Woody".split()
)
_WOMEN = frozenset(
    "Agnes Alice Alison Amanda Amy Andrea Angela Angelina Ann Anna Anne Annie Audrey Barbara "
    "Betty Beverly Brenda Carol Caroline Catherine Christina Christine Cindy Claire Clara Cynthia "
    "Debbie Deborah Diana Diane Donna Doris Dorothy Edith Eleanor Elizabeth Ellen Emily Emma "
    "Esther Ethel Eva Frances Gloria Hannah Harriet Heather Helen Ingrid Irene Jacqueline Jane "
    "Janet Jean Jennifer Jessica Jill Joan Joanna Judith Judy Julia Julie Karen Kate Katherine "
    "Kathleen Kathryn Katy Kim Laura Lauren Linda Lisa Louise Lucy Margaret Maria Marie Marilyn "
    "Martha Mary Megan Melissa Meryl Michelle Miriam Monica Nancy Natalie Nicole Nora Olivia "
    "Pamela Patricia Penelope Rachel Rebecca Ruth Sally Samantha Sandra Sarah Sharon Shirley "
    "Sophia Stella Stephanie Susan Taylor Teresa Tina Ursula Valerie Vanessa Wendy".split()
)
_BODIES = (
    "University College Party Records Pictures Museum Institute Association Orchestra Hospital "
    "Studios Entertainment"
).split()
_NO_SURNAME = frozenset(
    "Street Road University Museum Award Awards County School House Prize Hall Park Bridge Church "
    "College Day Airport Island Islands Bay River Lake Center Centre Station Tower Cup Stadium "
    "Company Band Show Theatre Theater Library Hospital Foundation Records Pictures Bowl Society "
    "Brothers Sisters Jr Sr Act Medal Trophy Square Hotel Castle Valley Mountain War City Town "
    "II III IV VI Game Games Series Film Medical Trust The Of And In His Her League Institute "
    "Era".split()
)
# One may hold the other, or be called by its name.
_OVERLAP = (
    frozenset("England Scotland Wales Ireland|Northern Ireland".replace("|", " ").split())
    | {"Northern Ireland"},
    frozenset({"British", "English", "Scottish", "Welsh", "Irish"}),
    frozenset({"Korean", "South Korean"}),
    frozenset({"South Korea", "North Korea"}),
    frozenset({"Delhi", "New Delhi"}),
    frozenset({"Russia", "Ukraine"}),
    frozenset({"China", "Taiwan", "Hong Kong"}),
)
_SORT_OF = {name: sort for sort, names in _SORTS.items() for name in names.split("|")}
_TOKEN = r"[A-ZÀ-ÖØ-Þ](?:[^\W\d_]|-(?=[A-Z])|['’](?=[^\W\d_])(?!s\b))*"
_RUN = re.compile(
    rf"(?<![\w.'’-]){_TOKEN}(?:(?: [A-Z]\.)* (?:of (?=[A-Z]))?(?:de |van |von )?{_TOKEN})*(?![\w-])"
)
_LIST = re.compile(r"[^a-z]*(?:\b(?:and|or|as|with|by|the|of|in|to|a|an)\b[^a-z]*)*")


class Name(NamedTuple):
    """A name in a text, and what sort it is: a city, a man, a university."""

    start: int
    end: int
    text: str
    sort: str


def names_of(text: str) -> list[Name]:
    """The names whose sort can be told from their words, in order."""
    found = []
    for match in _RUN.finditer(text):
        run, start = match.group(), match.start()
        if run.startswith("The ") and _sort(run[4:]):
            run, start = run[4:], start + 4
        if (sort := _sort(run)) and not _in_title(text, start, start + len(run)):
            found.append(Name(start, start + len(run), run, sort))
    return found


def pool_of(claims: Iterable[str]) -> Pool:
    """All names of the claims by sort, in alphabetical order; surnames of people too."""
    pool = defaultdict[str, set[str]](set)
    for claim in claims:
        for name in names_of(claim):
            pool[name.sort].add(name.text)
            if name.sort in ("man", "woman"):
                pool[f"surname of a {name.sort}"].add(name.text.split()[-1])
    return {sort: tuple(sorted(names)) for sort, names in pool.items()}


def name_edits(ground: Ground, pool: Pool) -> Iterator[Edit]:
    """Each name of the claim that the evidence has, by each of its sort that it has not."""
    for name in _claim_names(ground, pool_of([ground.text])):
        for other in pool.get(name.sort, ()):
            if _apart(name.text, other) and not any(map(ground.says, other.split())):
                yield Edit(name.start, name.end, other)


def evidence_name_edits(ground: Ground) -> Iterator[Edit]:
    """Each name of the claim that the evidence has, replaced by another name of the evidence."""
    inside = pool_of([ground.text])
    for name in _claim_names(ground, inside):
        sorts = {name.sort, name.sort.replace("woman", "man"), re.sub(r"\bman", "woman", name.sort)}
        for other in sorted(other for sort in sorts for other in inside.get(sort, ())):
            if (
                _apart(name.text, other)
                and not _says_any(ground.claim, other)
                and not _listed_together(ground.text, name.text, other)
            ):
                yield Edit(name.start, name.end, other)


def _claim_names(ground: Ground, inside: Pool) -> Iterator[Name]:
    """The names that the claim has once, and the evidence where it speaks of the same."""
    claim = ground.claim
    surnames = {name: s for s, names in inside.items() if s.startswith("surname") for name in names}
    found = [name for name in names_of(claim) if not _is_unsafe(claim, name)]
    for match in _RUN.finditer(claim):
        if (sort := surnames.get(match.group())) and not _in_title(claim, *match.span()):
            found.append(Name(*match.span(), match.group(), sort))
    for name in found:
        if claim.count(name.text) == 1 and ground.near((name.text,), name.text):
            yield name


def _is_unsafe(claim: str, name: Name) -> bool:
    """Whether of another name the claim may be as true, or not be English."""
    is_subject = name.start <= len("The ")
    is_place = name.sort in ("country", "state", "city")
    return _in_address(claim, name) or (is_subject and (is_place or len(claim.split()) < 10))


def _sort(run: str) -> str | None:
    if run in _SORT_OF:
        return _SORT_OF[run]
    first, *rest = run.split()
    if rest and (rest[-1] in _BODIES or (first in _BODIES and rest[0] == "of")):
        return rest[-1] if rest[-1] in _BODIES else first
    if len(run.split()) not in (2, 3) or "of" in rest or _NO_SURNAME & set(rest):
        return None
    if any(word in _SORT_OF for word in rest):
        return None
    return "man" if first in _MEN else "woman" if first in _WOMEN else None


def _in_title(text: str, start: int, end: int) -> bool:
    """Quoted, or a part of a longer name: "African American", "French Open", "Paris, Texas"."""
    return bool(
        re.search(r"(?:[\"'“‘«/]|[A-Z][\w'’.]* (?:of |the )?|\b\w+-)$", text[:start])
        and not re.search(r"(?:^|[.!?] )(?:The|In|A|An|At|From|On|By) $", text[:start])
    ) or bool(
        re.match(r"[\"”’»/-]|['’](?!s\b)| [A-Z(]|['’]s [A-Z]| and [A-Z]\w+ [A-Z]", text[end:])
    )


def _in_address(text: str, name: Name) -> bool:
    if name.sort == "people":
        before = re.search(
            r"\b(?:the|Native|African|Latin|South|North|Ancient) $", text[: name.start]
        )
        return not re.match(r" [a-z]", text[name.end :]) or bool(
            before and re.match(r" (?:is|are|was|were|had|have|has|in|and)\b", text[name.end :])
        )
    return name.sort == "city" and bool(re.match(r", [A-Z]", text[name.end :]))


def _apart(name: str, other: str) -> bool:
    both = {name, other}
    return not set(name.split()) & (set(other.split()) - {"of", "the", *_BODIES}) and not any(
        both <= group for group in _OVERLAP
    )


def _says_any(claim: str, other: str) -> bool:
    return any(
        re.search(rf"\b{re.escape(word)}\b", claim) for word in other.split() if len(word) > 2
    )


def _listed_together(text: str, name: str, other: str) -> bool:
    """Whether both stand in one enumeration, so that what holds of one may hold of the other."""
    places = [[m.span() for m in re.finditer(re.escape(said), text)] for said in (name, other)]
    for a in places[0]:
        for b in places[1]:
            first, second = sorted((a, b))
            between = text[first[1] : second[0]]
            if len(between) < 80 and (_LIST.fullmatch(between) or len(between.split()) < 2):
                return True
    return False
