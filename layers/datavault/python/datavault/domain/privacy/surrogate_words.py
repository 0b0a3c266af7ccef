"""What surrogates are put together from: common words, in an order that never changes.

A surrogate is a choice by place in these tables, so outputs change with any edit here; entries
are not added, moved or mended without a new version of the whole. Names are frequent ones of
several languages, each of one word and in ASCII, paired at random: the pairs mean nobody.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN_NAMES = _words(
    "Adam Agnes Alan Alice Amara Amelia Anders Anita Anton Aron Astrid Beatrice Benjamin Bianca "
    "Boris Bruno Camille Carla Carlos Cedric Chloe Clara Claire Colin Cora Dalia Damian Daniel "
    "Daria David Dario Diana Dora Edith Elena Elias Elin Emil Emma Erik Esther Eva Fabian Farah "
    "Felix Fiona Flora Frank Frida Gabriel Gemma George Greta Gustav Hannah Harold Hector Helena "
    "Henry Hugo Ian Ida Igor Ines Irene Isaac Ivan Jana Jasper Jonas Judith Julia Karim Karin "
    "Kate Klaus Lara Laura Leo Leila Lena Linus Louis Lucia Luisa Magnus Malik Marco Maria Marta "
    "Martin Matteo Maya Miles Milo Mira Nadia Naomi Nina Noah Nora Oliver Olga Omar Oscar Paula "
    "Pedro Petra Philip Rafael Rita Robert Rosa Ruben Samir Sara Selma Simon Sofia Stella Tara "
    "Theo Thomas Tobias Ursula Valerie Vera Victor Walter Yara Yusuf Zoe"
)
FAMILY_NAMES = _words(
    "Abbott Adler Alvarez Andersen Archer Arnold Bakker Barnes Bauer Becker Bell Bennett Berg "
    "Bianchi Bishop Blake Boyd Brandt Brooks Bruno Burke Carlsen Carter Castro Chapman Clarke "
    "Conti Costa Cruz Dalton Dawson Dean Delgado Dubois Duncan Eklund Ellis Engel Esposito Evans "
    "Faber Farrell Ferrari Fischer Fletcher Flores Fontaine Foster Franke Fuchs Garnier Gibson "
    "Gomez Graham Greco Gruber Haas Hale Hansen Harper Hart Hayes Hoffman Holm Horn Hughes "
    "Iversen Jansen Jensen Joshi Kaiser Kaya Keller Khan Klein Koch Kumar Lambert Lang Larsen "
    "Leclerc Lehmann Lind Lopez Lorenz Lund Maier Marchand Marino Marsh Mason Mendes Meyer Molina "
    "Moreau Morris Navarro Nielsen Novak Olsen Ortega Palmer Patel Perrin Petersen Pires Porter "
    "Quinn Ramos Reed Ricci Richter Rivera Rossi Roux Russo Santos Schmitt Schubert Shah Silva "
    "Singh Stark Stein Sutton Tanaka Thorne Torres Vargas Vidal Visser Vogel Wagner Walsh Weber "
    "Winter Wolff York Young Zeller Zimmer"
)
PLACES = _words(
    "Aberdeen Adelaide Ankara Antwerp Athens Auckland Bergen Berlin Bilbao Bologna Bordeaux "
    "Boston Bremen Brisbane Bristol Bruges Budapest Calgary Cardiff Chicago Cologne Cordoba Cork "
    "Dakar Dallas Denver Dresden Dublin Edmonton Florence Geneva Genoa Ghent Glasgow Granada "
    "Hamburg Helsinki Houston Jakarta Krakow Kyoto Leeds Leipzig Lima Lisbon Ljubljana London "
    "Lyon Madrid Malaga Malmo Manila Marseille Melbourne Milan Montreal Munich Nairobi Nantes "
    "Naples Nice Odense Osaka Oslo Ottawa Oxford Palermo Perth Porto Prague Quito Riga Rome "
    "Rotterdam Salzburg Seattle Seville Sofia Stockholm Stuttgart Sydney Tampere Toronto Toulouse "
    "Trieste Turin Utrecht Valencia Vancouver Verona Vienna Vilnius Warsaw Wellington York Zagreb "
    "Zurich"
)
STREETS = _words(
    "Acacia Alder Ash Aspen Bay Beech Birch Bridge Brook Canal Castle Cedar Chapel Cherry "
    "Chestnut Church Clover College Cypress Elm Fern Field Forest Garden Grove Harbor Hazel Heath "
    "Hickory Hill Holly Juniper Lake Larch Laurel Lilac Linden Magnolia Maple Market Meadow Mill "
    "Mulberry Oak Olive Orchard Park Pine Pond Poplar Quarry River Rose School Spring Spruce "
    "Station Sycamore Tulip Valley Vine Walnut Willow"
)
STREET_KINDS = ("Street", "Avenue", "Road", "Lane")
FIRMS = ("Group", "Systems", "Partners", "Works", "Services", "Logistics", "Foods", "Labs")
EMAIL_DOMAINS = ("example.com", "example.org", "example.net")
# What a surrogate may share with the value that it stands for: kinds, not names.
GENERIC_WORDS = frozenset(
    " ".join((*STREET_KINDS, *FIRMS, *EMAIL_DOMAINS, "https www")).lower().replace(".", " ").split()
)
