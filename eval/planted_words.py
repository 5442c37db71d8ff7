"""The wordings of planted errors, halved: what `tune` uses, `test` never does, and the reverse."""

from typing import Literal, NamedTuple

Split = Literal["tune", "test"]

# --- numbers and dates: by how much they are moved ----------------------------------------------

NUMBER_CHANGES: dict[Split, tuple[str, ...]] = {  # names of functions in `planted_numbers`
    "tune": ("one_more", "last_digits_transposed", "times_ten"),
    "test": ("two_fewer", "doubled", "first_digit_raised", "decades_later"),
}
DATE_SHIFTS: dict[Split, tuple[tuple[int, int], ...]] = {  # (months, days)
    "tune": ((1, 0), (2, 0), (0, 1), (0, 10), (4, 9)),
    "test": ((-3, 0), (5, 0), (0, -2), (0, 7), (-5, -4)),
}
WEEKDAY_SHIFTS: dict[Split, tuple[int, ...]] = {"tune": (1, 3), "test": (2, 5)}

# --- relations: pairs that say the opposite, used both ways -------------------------------------

RELATIONS: dict[Split, tuple[str, ...]] = {
    "tune": tuple(
        "before/after won/lost northern/southern increased/decreased higher/lower father/mother "
        "nephew/niece male/female accepted/rejected sold/donated opened/closed public/private "
        "summer/winter positive/negative inside/outside rural/urban majority/minority "
        "increases/decreases increase/decrease larger/smaller hot/cold husband/wife "
        "successful/unsuccessful strong/weak rich/poor maximum/minimum internal/external "
        "novelist/painter singer/comedian football/basketball directed/produced "
        "began/ended ancient/modern artificial/natural easier/harder victory/defeat uncle/aunt "
        "morning/evening red/blue indoor/outdoor wrote/edited album/film actor/journalist "
        "president/treasurer fruit/vegetable import/export founded/dissolved book/play".split()
    ),
    "test": tuple(
        "above/below north/south east/west eastern/western son/daughter men/women boys/girls "
        "allowed/banned older/younger faster/slower early/late spring/autumn include/exclude "
        "includes/excludes improve/worsen inner/outer cheap/expensive safe/dangerous dry/wet "
        "longer/shorter better/worse actress/dancer written/narrated "
        "approved/vetoed black/white legal/illegal common/rare single/double army/navy "
        "gained/surrendered king/bishop hardware/software politician/engineer "
        "supported/opposed simple/complex wide/narrow failed/succeeded lawyer/surgeon "
        "hockey/baseball reduce/raise reduces/raises television/radio "
        "river/mountain island/desert producer/cameraman animals/plants".split()
    ),
}

# --- negation: put in, and taken out ------------------------------------------------------------

# "{aux}" stands for a word like "was", "{past}" for "wrote", "{base}" for "write".
NEGATIONS: dict[Split, tuple[str, ...]] = {
    "tune": ("{aux} not", "did not {base}"),
    "test": ("{aux}n't", "{aux} never", "never {past}"),
}
TAKEN_OUT: dict[Split, tuple[str, ...]] = {
    "tune": (" not", "not"),  # the second of "cannot"
    "test": (" never", "n't", "n’t", " no longer"),
}
PASTS = dict(  # only forms that are never participles
    pair.split(":")
    for pair in (
        "wrote:write became:become began:begin sang:sing gave:give took:take went:go grew:grow "
        "knew:know came:come saw:see ran:run drew:draw flew:fly fell:fall spoke:speak broke:break "
        "chose:choose drove:drive ate:eat wore:wear hid:hide swam:swim stole:steal rode:ride"
    ).split()
)

# --- clauses: templates, and what fills them ----------------------------------------------------


class Clause(NamedTuple):
    """An invented addition: where it goes, what it says, and the claims that it suits.

    "person": what somebody did; "event": what happened; "state": what is.
    """

    where: Literal["start", "inside", "end"]
    text: str
    suits: Literal["person", "event", "state", "any"]


CLAUSES: dict[Split, tuple[Clause, ...]] = {
    "tune": (
        Clause("end", ", mainly because of {reason}", "event"),
        Clause("end", ", at a cost of {cost}", "event"),
        Clause("end", ", together with {companion}", "person"),
        Clause("end", ", winning {award}", "person"),
        Clause("end", ", according to {account}", "any"),
        Clause("end", ", and is particularly valued in {place}", "state"),
        Clause("end", ", and has been since {time}", "state"),
        Clause("inside", ", according to {account},", "any"),
        Clause("inside", ", with money from {companion},", "event"),
        Clause("start", "In {time}, ", "event"),
        Clause("start", "Near {place}, ", "event"),
        Clause("start", "According to {account}, ", "any"),
    ),
    "test": (
        Clause("end", " as a result of {reason}", "event"),
        Clause("end", " for a fee of {cost}", "event"),
        Clause("end", " with the help of {companion}", "person"),
        Clause("end", " and later received {award}", "person"),
        Clause("end", ", a point first made by {account}", "any"),
        Clause("end", ", especially around {place}", "state"),
        Clause("end", " and has been so from {time} onwards", "state"),
        Clause("inside", ", as {account} reported,", "any"),
        Clause("inside", ", thanks to {companion},", "event"),
        Clause("start", "Towards {time}, ", "event"),
        Clause("start", "On a visit to {place}, ", "event"),
        Clause("start", "As {account} put it, ", "any"),
    ),
}
FILLERS: dict[Split, dict[str, tuple[str, ...]]] = {
    "tune": {
        "reason": (
            "a shortage of copper",
            "pressure from local merchants",
            "two mild winters in a row",
            "a quarrel over pensions",
            "growing demand from Portugal",
        ),
        "cost": ("about 38 million kroner", "just under $7,400", "some 260,000 guilders"),
        "companion": (
            "two former classmates",
            "a retired harbour pilot",
            "the widow of a Bavarian banker",
            "an amateur astronomer named Oskar Lindqvist",
        ),
        "award": (
            "the Harcastle Medal of the year",
            "a silver plaque from the Guild of Cartographers",
            "second prize at the Lisbon fair",
        ),
        "account": (
            "a 2016 survey of 2,300 people",
            "a report by the Alderwick Institute",
            "the Trieste Gazette",
            "two specialists from Ghent",
        ),
        "place": ("the valleys of Carinthia", "the port of Esbjerg", "the suburbs of Montevideo"),
        "time": ("the dry spring of 1893", "the last week of 1907", "the winter of 1958"),
    },
    "test": {
        "reason": (
            "a fire at a warehouse",
            "complaints from neighbours",
            "an unpaid loan",
            "a poor tobacco harvest",
            "a clerical mistake in Antwerp",
        ),
        "cost": ("roughly 91,000 pesetas", "almost £640,000", "nearly 17 million escudos"),
        "companion": (
            "a travelling puppeteer",
            "three nuns from Coimbra",
            "a cousin who owned a pharmacy",
            "the glassblower Matteo Zanetti",
        ),
        "award": (
            "the Thornbury Cup for craftsmanship",
            "an honorary degree in Tartu",
            "a gold watch from the railway board",
        ),
        "account": (
            "the Halden Courier",
            "researchers in Uppsala",
            "a panel of Norwegian experts",
            "the writer Pieter Vroom",
        ),
        "place": ("the marshes of Friesland", "the market of Tbilisi", "the foothills near Bilbao"),
        "time": ("the stormy autumn of 1874", "the last days of 1911", "the summer of 1966"),
    },
}

# --- kinds that only `test` has -----------------------------------------------------------------

QUANTIFIERS = {
    "some": "all", "all": "hardly any", "many": "few", "most": "few", "every": "hardly any",
    "usually": "rarely", "often": "rarely", "always": "rarely", "sometimes": "always",
    "rarely": "frequently", "mostly": "rarely", "primarily": "rarely", "generally": "rarely",
    "commonly": "rarely", "typically": "rarely", "entirely": "partly", "partly": "entirely",
    "partially": "completely", "completely": "partially", "frequently": "seldom", "few": "many",
    "more than": "less than", "less than": "more than", "at least": "at most", "up to": "more than",
    "widely": "rarely", "fully": "only half", "mainly": "never", "numerous": "very few",
    "nearly all": "hardly any", "over": "under",
}  # fmt: skip
SUPERLATIVES = {
    "largest": "smallest", "smallest": "largest", "biggest": "smallest", "highest": "lowest",
    "lowest": "highest", "oldest": "newest", "youngest": "oldest", "longest": "shortest",
    "shortest": "longest", "best": "worst", "worst": "best", "the most": "the least",
    "the least": "the most", "earliest": "latest", "latest": "earliest", "fastest": "slowest",
    "richest": "poorest", "strongest": "weakest", "tallest": "lowest", "deepest": "shallowest",
    "greatest": "least", "hottest": "coolest", "the first": "the last", "the last": "the first",
    "heaviest": "lightest", "wealthiest": "poorest", "newest": "oldest", "smartest": "dullest",
    "busiest": "quietest", "best-known": "least-known", "best-selling": "worst-selling",
}  # fmt: skip
UNITS = {
    "million": "billion", "billion": "million", "thousand": "million", "hundred": "thousand",
    "kilometers": "miles", "kilometres": "miles", "km": "miles", "miles": "kilometres",
    "meters": "feet", "metres": "feet", "feet": "metres", "inches": "feet", "kg": "pounds",
    "pounds": "kilograms", "kilograms": "pounds", "tons": "pounds", "tonnes": "kilograms",
    "acres": "square miles", "hectares": "acres", "years": "months", "months": "weeks",
    "weeks": "months", "days": "weeks", "hours": "minutes", "minutes": "hours",
    "seconds": "minutes", "dollars": "euros", "euros": "dollars", "year": "month",
    "month": "week", "week": "month", "day": "week", "hour": "minute", "minute": "hour",
    "decades": "years", "centuries": "decades", "grams": "ounces", "degrees": "percent",
}  # fmt: skip
ONE_WAY = (  # between two names that cannot change places and leave the same said
    "defeated beat succeeded replaced acquired bought followed preceded taught murdered killed "
    "influenced son daughter father mother grandson capital part north south east west located "
    "lies owned owns written directed founded created discovered invented composed published "
    "produced developed employed hired mentored coached"
).split()
BOTH_WAYS = "and or with married met between alongside that which who like cousin friend".split()
