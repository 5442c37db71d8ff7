import pytest

from ragattr.text.language import is_english


@pytest.mark.parametrize(
    "text",
    [
        "Der Eiffelturm wurde im Jahr 1889 in Paris fertiggestellt.",
        "La tour Eiffel a été achevée en 1889 pour l'exposition universelle.",
        "La torre Eiffel se terminó en 1889 y está en París.",
        "A Torre Eiffel foi concluída em 1889 e fica em Paris.",
        "La Torre Eiffel fu completata nel 1889 ed è alta 330 metri.",
        "De Eiffeltoren werd in 1889 voltooid en staat in Parijs.",
        "Eiffeltornet stod klart år 1889 och är 330 meter högt.",
        "Eiffeltårnet stod færdigt i 1889 og er 330 meter højt.",
        "Eiffel-torni valmistui vuonna 1889 ja se on 330 metriä korkea.",
        "Wieża Eiffla została ukończona w 1889 roku i stoi w Paryżu.",
        "Eiffelova věž byla dokončena v roce 1889 a stojí v Paříži.",
        "Turnul Eiffel a fost terminat în 1889 și se află la Paris.",
        "Az Eiffel-torony 1889-ben készült el, és Párizsban áll.",
        "Eyfel Kulesi 1889 yılında tamamlandı ve Paris'te bulunuyor.",
        "Menara Eiffel selesai dibangun pada tahun 1889 di kota Paris.",
        "Tháp Eiffel được hoàn thành vào năm 1889 và nằm ở Paris.",
        "Mnara wa Eiffel ulikamilika mwaka 1889 na uko katika jiji la Paris.",
        "Natapos ang Toreng Eiffel noong 1889 at ito ay nasa lungsod ng Paris.",
        "Эйфелева башня была построена в 1889 году.",
        "Ο Πύργος του Άιφελ ολοκληρώθηκε το 1889.",
        "اكتمل بناء برج إيفل عام 1889.",
        "מגדל אייפל הושלם בשנת 1889.",
        "एफिल टॉवर 1889 में बनकर तैयार हुआ।",
        "埃菲尔铁塔于1889年建成。",
        "エッフェル塔は1889年に完成した。",
        "에펠탑은 1889년에 완공되었다.",
        "หอไอเฟลสร้างเสร็จในปี 1889",
        "የኤፍል ግንብ በ1889 ተጠናቀቀ።",
        "ეიფელის კოშკი 1889 წელს დასრულდა.",
    ],
)
def test_sentences_of_other_languages_are_not_english(text: str) -> None:
    assert not is_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "Berlin liegt an der Spree.",
        "Paris est la capitale de la France.",
        "Cervantes escribió Don Quijote.",
        "Lisboa é a capital de Portugal.",
        "Amsterdam is de hoofdstad van Nederland.",
        "Helsinki on Suomen pääkaupunki.",
        "Budapest a Duna partján fekszik.",
        "Alfred Nobel uppfann dynamiten 1867.",
        "Nairobi ni mji mkuu wa Kenya.",
        "Maynila ang kabisera ng Pilipinas.",
        "Kuala Lumpur ialah ibu negara Malaysia.",
        "Tallinn on Eesti pealinn.",
    ],
)
def test_short_sentences_of_other_languages_are_not_english(text: str) -> None:
    assert not is_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "Alexander Fleming discovered penicillin.",
        "Shakespeare wrote Hamlet.",
        "Water boils at 100 degrees Celsius.",
        "The Eiffel Tower was completed in 1889.",
        "It opened in 1900.",
        "Bees produce honey.",
        "Light travels faster than sound.",
        "Mozart composed The Magic Flute.",
        "Einstein won the 1921 Nobel Prize in Physics.",
        "Gold's chemical symbol is Au.",
        "Beyoncé released Lemonade in 2016.",
        "São Paulo has over 12 million inhabitants.",
        "Charles de Gaulle led the Free French.",
        "Leonardo da Vinci painted the Mona Lisa.",
        "Die Hard came out in 1988.",
        "Los Angeles lies south of San Francisco.",
        "Sales grew 12% year over year.",
        "Paris.",
    ],
)
def test_ordinary_english_statements_are_english(text: str) -> None:
    assert is_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ludwig van Beethoven was born in Bonn.",
        "Vincent van Gogh painted Starry Night.",
        "Simón Bolívar liberated five nations.",
        "La La Land won six Oscars.",
        "Real Madrid won La Liga.",
        "Human DNA contains roughly three billion base pairs.",
    ],
)
def test_foreign_names_do_not_make_an_english_statement_foreign(text: str) -> None:
    assert is_english(text)


def test_under_four_words_only_the_script_decides() -> None:
    assert is_english("Ankara Türkiye'nin başkentidir.")
    assert not is_english("Башня была построена")
