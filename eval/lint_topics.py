"""What the answers of `eval.lint_answers` are made of: passages, statements, quotations.

The texts are our own. They hold what is easily taken for a citation or for the end of a sentence:
abbreviations, decimals, intervals, ages, years, code.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quote:
    """Words of a passage; the same with an error; and words that no passage has."""

    before: str
    words: str
    after: str
    passage: int
    near: str
    invented: str


@dataclass(frozen=True)
class Topic:
    """Passages, and statements with the number of the passage that says so."""

    passages: tuple[str, ...]
    statements: tuple[tuple[str, int], ...]
    quotes: tuple[Quote, ...]


TOPICS = (
    Topic(
        passages=(
            "The Eiffel Tower was completed in March 1889. Construction took two years, two months "
            "and five days, and about 300 workers joined 18,038 pieces of wrought iron.",
            "Artists protested in 1887. They called the tower “a truly tragic street lamp” and "
            "feared that it would dominate Paris like a gigantic black smokestack.",
            "The permit allowed the tower to stand for 20 years. The city kept it because the "
            "military used it for wireless telegraphy; in 1914 it jammed German communications.",
            "The tower is 330 m tall. It shrinks by up to 15 cm in cold weather, and about "
            "60 tonnes of paint are applied every seven years.",
            "Some 6.2 million people visited the tower in 2019. Roughly 75 % came from abroad, "
            "e.g. from the U.S., Britain and Spain.",
        ),
        statements=(
            ("The Eiffel Tower was completed in March 1889", 1),
            ("Building it took two years, two months and five days", 1),
            ("About 300 workers joined 18,038 pieces of wrought iron", 1),
            ("Several artists, among them friends of Mr. Garnier, protested in 1887", 2),
            ("It was meant to stand for 20 years (until 1909)", 3),
            ("The army used it for wireless telegraphy, i.e. to jam German signals in 1914", 3),
            ("It is approx. 330 m tall and shrinks by up to 15 cm in the cold", 4),
            ("Some 6.2 million people came in 2019, many of them from the U.S. and Britain", 5),
            ("Painters apply about 60 tonnes of paint every seven years (roughly 8.5 per year)", 4),
        ),
        quotes=(
            Quote("Its critics called it ", "a truly tragic street lamp", "", 2,
                  "a truly horrible street lamp", "an insult to the whole of France"),
            Quote("They feared that it would ", "dominate Paris like a gigantic black smokestack",
                  "", 2, "dominate Paris like a huge black smokestack",
                  "cast its shadow over every garden of the city"),
            Quote("One source says that ", "in 1914 it jammed German communications", "", 3,
                  "in 1914 it jammed French communications", "it saved Paris in four days"),
        ),
    ),
    Topic(
        passages=(
            "Honey bees communicate the direction of food by a waggle dance. Karl von Frisch "
            "described it in 1927 and received the Nobel Prize in 1973.",
            "A worker bee lives about six weeks in summer. In winter, workers can survive for up "
            "to six months, since they do not forage.",
            "Honey rarely spoils. Its water content is below 18.6 percent, and its pH lies between "
            "3.2 and 4.5; “very few microbes can live in honey”, as Dr. Molan wrote.",
            "Varroa destructor is a mite that feeds on the fat body of bees. Colonies that are not "
            "treated usually die within two to three years.",
            "In 2017 the U.S. had 2.67 million honey-producing colonies. Beekeepers lost 40.1% of "
            "their colonies between April 2017 and April 2018.",
            "The queen lays up to 2,000 eggs a day. She mates with 12 to 15 drones on average "
            "and stores their sperm for the rest of her life.",
        ),
        statements=(
            ("Bees show each other the direction of food by a waggle dance", 1),
            ("Prof. von Frisch described the dance in 1927 and won the Nobel Prize in 1973", 1),
            ("A summer worker lives for about six weeks", 2),
            ("Winter bees do not forage, so they can live for up to six months", 2),
            ("Honey holds less than 18.6 percent water and has a pH of 3.2 to 4.5", 3),
            ("The mite Varroa destructor feeds on the fat body of bees", 4),
            ("Untreated colonies (vs. treated ones) usually die within two to three years", 4),
            ("Beekeepers in the U.S. lost 40.1% of their colonies in 2017/18", 5),
            ("A queen lays up to 2,000 eggs per day", 6),
            ("She mates with 12 to 15 drones, no. 16 being rare", 6),
        ),
        quotes=(
            Quote("Dr. Molan wrote that ", "very few microbes can live in honey", "", 3,
                  "very few bacteria can live in honey", "honey keeps for a thousand years"),
            Quote("The queen keeps what she got and ",
                  "stores their sperm for the rest of her life", "", 6,
                  "stores their sperm for the remainder of her life",
                  "never leaves the hive after her second spring"),
            Quote("Without help, colonies ", "usually die within two to three years",
                  ", a study says", 4, "always die within two to three years",
                  "recover on their own by the next summer"),
        ),
    ),
    Topic(
        passages=(
            "Metformin lowers blood glucose mainly by reducing glucose production in the liver. "
            "It was introduced in France in 1957 and in the U.S. in 1995.",
            "Common side effects include diarrhoea, nausea and abdominal pain. They affect about "
            "25% of patients, and slow titration reduces them.",
            "In the UKPDS trial, metformin reduced diabetes-related deaths by 42% (95% CI 9 to 63) "
            "in overweight patients.",
            "Lactic acidosis is rare: fewer than 10 cases per 100,000 patient-years. “The risk "
            "rises when kidney function is poor,” the guideline warns.",
            "Long-term use can lower vitamin B12 levels. The guideline says that doctors should "
            "consider periodic testing of vitamin B12, particularly in patients with anaemia.",
        ),
        statements=(
            ("Metformin mainly reduces glucose production in the liver", 1),
            ("It reached France in 1957, but the U.S. only in 1995", 1),
            ("About 25% of patients have diarrhoea, nausea or abdominal pain", 2),
            ("Slow titration, e.g. 500 mg per week, makes side effects less frequent", 2),
            ("The UKPDS trial found 42% fewer diabetes-related deaths (95% CI [9, 63))", 3),
            ("Lactic acidosis occurs in fewer than 10 cases per 100,000 patient-years", 4),
            ("Vitamin B12 can fall after years of use", 5),
            ("The effect in overweight patients was seen in a large trial", 3),
        ),
        quotes=(
            Quote("The guideline warns that ", "the risk rises when kidney function is poor", "",
                  4, "the risk rises when liver function is poor",
                  "patients over eighty must never take it"),
            Quote("Doctors should ", "consider periodic testing of vitamin B12", "", 5,
                  "consider yearly testing of vitamin B12",
                  "stop the drug as soon as numbness appears"),
            Quote("It works ", "mainly by reducing glucose production in the liver", "", 1,
                  "mainly by reducing glucose production in the muscles",
                  "by making the pancreas release more insulin"),
        ),
    ),
    Topic(
        passages=(
            "Support tickets are answered within one business day. Customers on the Premium plan "
            "get a reply within 2 hours, 24/7.",
            "Refunds are possible within 30 days of purchase. The form is in Settings > Billing > "
            "Refunds; processing takes 5-7 business days.",
            "API keys expire after 90 days. Keys can be rotated without downtime, because the old "
            "key stays valid for 24 hours after a new one is created.",
            "The free tier allows 1,000 requests per day and 10 requests per second. Exceeding the "
            "limit returns HTTP status 429 with a Retry-After header.",
            "Data is stored in Frankfurt (eu-central-1) and encrypted with AES-256. Backups are "
            "kept for 35 days and are then “permanently and irrevocably deleted”.",
            "Single sign-on works with SAML 2.0 and OpenID Connect. An administrator must verify "
            "the company's domain before SSO can be turned on.",
        ),
        statements=(
            ("Support answers tickets within one business day", 1),
            ("Premium customers hear back within 2 hours, at any time of day", 1),
            ("You can get a refund within 30 days of purchase", 2),
            ("Open Settings > Billing > Refunds and fill in the form", 2),
            ("An API key expires after 90 days", 3),
            ("The old key stays valid for 24 hours (so there is no downtime)", 3),
            ("The free tier allows 1,000 requests per day, i.e. about 0.7 per minute", 4),
            ("Beyond that, `responses[0].status` is 429 and there is a Retry-After header", 4),
            ("All data stays in Frankfurt and is encrypted with AES-256", 5),
            ("SSO supports SAML 2.0 and OpenID Connect", 6),
        ),
        quotes=(
            Quote("Old backups are ", "permanently and irrevocably deleted", "", 5,
                  "permanently and irreversibly deleted", "moved to a vault in another country"),
            Quote("Your administrator ", "must verify the company's domain", " first", 6,
                  "must confirm the company's domain", "has to call our sales team"),
            Quote("The documentation says that ", "keys can be rotated without downtime",
                  " at any time", 3, "keys may be rotated with no downtime",
                  "keys should never be rotated by hand"),
        ),
    ),
    Topic(
        passages=(
            "Beethoven's Symphony No. 9 in D minor, Op. 125, was first performed in Vienna on "
            "7 May 1824. The composer was almost completely deaf by then.",
            "The final movement sets Schiller's “Ode to Joy”. It was the first example of a major "
            "composer using voices in a symphony.",
            "At the premiere, the contralto Caroline Unger turned Beethoven around so that he "
            "could see the applause. There were five standing ovations.",
            "The autograph manuscript is held by the Berlin State Library. In 2001 it was added to "
            "UNESCO's Memory of the World register.",
            "In 1985 the European Community adopted the melody as its anthem. A recording runs for "
            "about 65 to 70 minutes; a legend links the 74 minutes of the CD to it.",
        ),
        statements=(
            ("Beethoven's Ninth (Op. 125) was first performed in Vienna on 7 May 1824", 1),
            ("By then, the composer was almost completely deaf", 1),
            ("Its final movement sets a poem by Schiller", 2),
            ("Caroline Unger (21) turned him around to see the applause", 3),
            ("St. Stephen's bells were silent, yet there were five standing ovations", 3),
            ("The manuscript lies in the Berlin State Library", 4),
            ("UNESCO added it to the Memory of the World register in 2001", 4),
            ("The melody has been the anthem of the European Community since 1985", 5),
            ("A recording takes 65 to 70 minutes, about 4.4 minutes less than a CD holds", 5),
        ),
        quotes=(
            Quote("It was ", "the first example of a major composer using voices in a symphony",
                  "", 2, "the first case of a great composer using voices in a symphony",
                  "the longest work that any composer had ever written"),
            Quote("At that time he was ", "almost completely deaf by then", ", one reads", 1,
                  "almost totally deaf by then", "tired of all public life"),
            Quote("She did this ", "so that he could see the applause", "", 3,
                  "so that he could hear the applause", "because the orchestra had already left"),
        ),
    ),
)  # fmt: skip
