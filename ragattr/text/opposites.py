"""Pairs of English words of which one denies the other, where both fit the same place."""

_PAIRS = (
    "before/after first/last north/south northern/southern east/west eastern/western "
    "increase/decrease increased/decreased increases/decreases rise/fall rose/fell "
    "larger/smaller largest/smallest higher/lower highest/lowest longer/shorter older/younger "
    "oldest/youngest earlier/later more/less most/least many/few best/worst better/worse "
    "born/killed won/lost win/lose winner/loser male/female man/woman men/women he/she his/her "
    "father/mother son/daughter brother/sister husband/wife king/queen actor/actress "
    "above/below inside/outside opened/closed open/closed started/ended began/ended start/end "
    "begin/end beginning/end with/without same/different always/never all/none everyone/nobody "
    "success/failure successful/unsuccessful legal/illegal possible/impossible "
    "positive/negative allowed/forbidden accepted/rejected approved/rejected "
    "supported/opposed support/oppose like/dislike liked/disliked love/hate agree/disagree "
    "buy/sell bought/sold arrived/left entered/left upper/lower left/right hot/cold warm/cool "
    "old/new ancient/modern early/late public/private major/minor fast/slow strong/weak "
    "rich/poor high/low long/short big/small large/small young/old easy/hard hard/soft "
    "dry/wet full/empty good/bad black/white light/dark day/night summer/winter "
    "married/divorced alive/dead national/local domestic/foreign import/export "
    "teacher/student employer/employee parent/child victory/defeat ally/enemy "
    "produced/consumed added/removed gained/lost included/excluded "
    "film/book song/novel album/film singer/painter writer/director city/river"
)
OPPOSITE: dict[str, str] = {
    a: b for pair in _PAIRS.split() for a, b in (pair.split("/"), reversed(pair.split("/")))
}
