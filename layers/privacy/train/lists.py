"""Well-known names, and the forms in which organisations and streets are named by language."""

PLACES = (
    "Europe,Asia,Africa,South America,North America,Latin America,Antarctica,Oceania,the Alps,"
    "the Balkans,Scandinavia,the Middle East,Southeast Asia,Eastern Europe,the Andes,the Himalayas,"
    "the Nile,the Danube,the Rhine,the Mississippi,Lake Michigan,Lake Geneva,Lake Victoria,"
    "Mount Everest,Mount Fuji,Kilimanjaro,Central Park,Times Square,Hyde Park,Heathrow,JFK Airport,"
    "Golden Gate Bridge,Eiffel Tower,Silicon Valley,Wall Street,Hollywood,Manhattan,Brooklyn,"
    "Queens,the Bronx,Soho,Kreuzberg,Montmartre,Catalonia,Andalusia,Bavaria,Tuscany,Sicily,"
    "Brittany,Normandy,Flanders,Transylvania,Siberia,Kashmir,Punjab,Crimea,Gaza,the West Bank,"
    "Tibet,Hawaii,Alaska,the Bay Area,New England,the Midwest,Long Island,Cape Cod,the Bahamas,"
    "the Caribbean,the Mediterranean,the Black Sea,the Baltic,the Gulf of Mexico,the Pacific,"
    "the Atlantic,Yosemite,Yellowstone,the Grand Canyon,Niagara Falls,Stonehenge,the Vatican,"
    "Downing Street,Capitol Hill,the White House,the Kremlin,Camp David,Guantanamo,Fallujah,"
    "USA,U.S.,US,U.S.A.,UK,U.K.,EU,UAE,NYC,LA,SF,DC,Washington DC,New York,London,Paris,Berlin,"
    "Madrid,Rome,Moscow,Tokyo,Beijing,Delhi,Mumbai,Sydney,Toronto,Chicago,Boston,Texas,"
    "California,Florida,England,Scotland,Wales,Ireland,Iraq,Iran,Afghanistan,Israel,Syria"
).split(",")
COMPANIES = (
    "Google,Microsoft,Apple,Amazon,Facebook,Meta,Twitter,Netflix,IBM,Intel,Oracle,SAP,Siemens,"
    "Bosch,BMW,Volkswagen,Toyota,Honda,Sony,Samsung,Nokia,Ericsson,Philips,Shell,BP,Exxon,Chevron,"
    "Walmart,Target,Costco,IKEA,Starbucks,McDonald's,Burger King,Nike,Adidas,Zara,H&M,Nestlé,"
    "Unilever,Coca-Cola,Pepsi,Pfizer,Novartis,Roche,Bayer,Merck,Goldman Sachs,JPMorgan,Citibank,"
    "Wells Fargo,HSBC,Barclays,Deutsche Bank,BNP Paribas,Santander,BBVA,UniCredit,ING,Visa,"
    "Mastercard,PayPal,Stripe,Uber,Lyft,Airbnb,Tesla,SpaceX,NASA,FBI,CIA,NSA,UN,United Nations,"
    "NATO,European Union,World Bank,IMF,WHO,UNICEF,Red Cross,Greenpeace,Amnesty International,"
    "Congress,Senate,Parliament,Supreme Court,State Department,Pentagon,BBC,CNN,New York Times,"
    "Washington Post,Reuters,Guardian,Al Jazeera,Fox News,NPR,Enron,Boeing,Airbus,Lufthansa,"
    "Delta,Air France,KLM,Emirates,FedEx,UPS,DHL,AT&T,Verizon,T-Mobile,Vodafone,Comcast,Disney,"
    "Warner Bros,Universal,OpenAI,Anthropic,Nvidia,AMD,Cisco,Dell,HP,Lenovo,Huawei,Alibaba,"
    "Tencent,Baidu,Infosys,Tata,Deloitte,KPMG,PwC,EY,McKinsey,Accenture,Harvard,MIT,Stanford,"
    "Yale,Oxford,Cambridge,Real Madrid,Barcelona,Manchester United,Arsenal,Chelsea,Lakers,Yankees,"
    "Red Sox,Democrats,Republicans,Labour,Hamas,Hezbollah,Al Qaeda,Taliban,ISIS"
).split(",")
PRODUCTS = (
    "Python,Java,JavaScript,TypeScript,Rust,Go,Ruby,Swift,Kotlin,Docker,Kubernetes,Jenkins,Linux,"
    "Ubuntu,Debian,Windows 11,macOS,iPhone 15,Galaxy S24,Pixel 9,PlayStation 5,Xbox,Excel,Word,"
    "PowerPoint,Photoshop,Chrome,Firefox,Safari,Android,iOS,Postgres,MySQL,Redis,Kafka,Spark,"
    "Hadoop,Airflow,Pandas,NumPy,PyTorch,TensorFlow,React,Angular,Vue,Django,Flask,Rails,Laravel,"
    "Terraform,Ansible,Grafana,Prometheus,Elasticsearch,GraphQL,Node.js,Alexa,Siri,Cortana,"
    "ChatGPT,Claude,Gemini,Llama,Maven,Gradle,Apache Tomcat,Nginx,Bluetooth,Kindle,iPad,Model 3,"
    "Golf GTI,Corolla,Civic,Mustang,Advil,Tylenol,Ibuprofen,Lipitor,Prozac,Botox,Lego,Barbie,"
    "Monopoly,Lexus IS 300,Lexus,Saab,Audi A4,Honda Civic,Ford Focus,Chevy,Jeep Wrangler,Vespa,"
    "Harley,Eurostar,Arial,Helvetica,Times New Roman,ASCII,HTML,SEO,GPS,ADHD,MCT,BCAA,HIV,DNA,GRE,"
    "SAT,Pilates,Karate,Nintendo,Zelda,Pokémon,Star Wars,Harry Potter,Hamlet,Moby Dick,"
    "The Simpsons,Game of Thrones"
).split(",")
LEGAL_FORMS = {
    "en": "Inc,Inc.,LLC,Ltd,Ltd.,plc,Corp.,Corporation,Group,Holdings,& Sons,LLP,Co.",
    "de": "GmbH,AG,KG,GmbH & Co. KG,SE,e.V.,OHG",
    "es": "S.A.,S.L.,S.L.U.,SA,SL,e Hijos",
    "fr": "SA,SARL,SAS,S.A.,et Fils",
    "it": "S.p.A.,S.r.l.,SpA,SRL,s.n.c.,e Figli",
    "pt": "Ltda.,S.A.,S/A,ME,Ltda,e Filhos",
    "nl": "B.V.,BV,N.V.,VOF,en Zonen",
}
FIELDS = (
    "Solutions,Systems,Technologies,Consulting,Logistics,Media,Foods,Energy,Capital,Health,"
    "Insurance,Motors,Airlines,Pharma,Labs,Software,Analytics,Bank,Trust,Foundation,Association,"
    "Institute,Restaurant,Cafe,Pizza,Bakery,Dental,Plumbing,Auto Repair,Hotel,Realty,Law"
).split(",")
# What small businesses do; they are often called after whoever began them.
TRADES = (
    "Grill,Diner,Pizzeria,Bistro,Bar & Grill,Steakhouse,Deli,Bakery,Coffee,Kitchen,Tavern,Pub,Auto,"
    "Auto Tech,Auto Body,Motors,Motorsports,Tire,Towing,Salon,Hair Studio,Barber Shop,Spa,Nails,"
    "Karate,Dance Studio,Fitness,Yoga,Fine Art,Gallery,Florist,Flowers,Furniture,Carpets,Jewelers,"
    "Books,Music,Photography,Plumbing,Roofing,Electric,Heating & Air,Landscaping,Moving,Storage,"
    "Horse Transport,Pet Grooming,Veterinary Clinic,Kennels,Family Dentistry,Chiropractic,Pharmacy,"
    "Optical,Law Office,Realty,Insurance Agency,Tax Service,Funeral Home,Nursery,Hardware,Market,"
    "Liquors,Catering,Travel,Tours,Inn,Cleaners,Tailors,Tattoo,Futures,Securities,Properties"
).split(",")
# What forms, tables and records call their fields, which looks like a name where it stands alone.
FIELD_LABELS = (
    "Steuer-ID,Steuernummer,Kundennummer,Kontonummer,Rechnungsnummer,Vorname,Nachname,"
    "Geburtsdatum,Straße,Ort,PLZ,Telefon,Betreff,Anschrift,Krankenkasse,Versicherungsnummer,"
    "Personalausweis,Nummer,Betrag,Datum,Bestellung,Lieferung,Passport No.,Tax ID,SSN,Account,"
    "Account Number,Order,Customer,Invoice,Policy Number,Reference,Amount,Date,Name,First Name,"
    "Last Name,Surname,Street,City,State,Country,Zip Code,Phone,Mobile,Fax,Email,Website,Company,"
    "Department,Title,Position,Status,Notes,Comment,Description,Subject,Patient,Diagnosis,"
    "Medication,Allergies,Gender,Age,Nationality,Nombre,Apellidos,Dirección,Teléfono,Correo,Fecha,"
    "Importe,Factura,Cliente,Pedido,Cuenta,Empresa,Nom,Prénom,Adresse,Ville,Téléphone,Courriel,"
    "Montant,Facture,Commande,Société,Nome,Cognome,Indirizzo,Città,Telefono,Codice Fiscale,"
    "Partita IVA,Importo,Fattura,Ordine,Azienda,Sobrenome,Endereço,Cidade,Telefone,Valor,Fatura,"
    "Pedido,Voornaam,Achternaam,Adres,Woonplaats,Telefoon,Bedrag,Factuur,Bestelling,Bedrijf,"
    "User ID,Session,Token,Password,Username,Role,Group,Version"
).split(",")
HOSPITALS = {
    "en": ("{} General Hospital", "St. {} Medical Center", "{} Clinic", "{} Health", "{} Memorial"),
    "es": ("Hospital de {}", "Hospital Universitario {}", "Clínica {}", "Centro de Salud {}"),
    "de": ("Klinikum {}", "Universitätsklinikum {}", "Krankenhaus {}", "Praxis {}"),
    "fr": ("Hôpital de {}", "CHU de {}", "Clinique {}", "Centre hospitalier de {}"),
    "it": ("Ospedale di {}", "Policlinico {}", "Clinica {}", "ASL {}"),
    "pt": ("Hospital de {}", "Hospital {}", "Clínica {}", "Santa Casa de {}"),
    "nl": ("{} Ziekenhuis", "UMC {}", "Kliniek {}"),
}
UNIVERSITIES = {
    "en": ("University of {}", "{} University", "{} State University", "{} College", "{} High"),
    "es": ("Universidad de {}", "Universidad Autónoma de {}", "Colegio {}"),
    "de": ("Universität {}", "TU {}", "Hochschule {}", "Gymnasium {}"),
    "fr": ("Université de {}", "École de {}", "Lycée {}"),
    "it": ("Università di {}", "Politecnico di {}", "Liceo {}"),
    "pt": ("Universidade de {}", "Universidade Federal de {}", "Colégio {}"),
    "nl": ("Universiteit {}", "Hogeschool {}", "TU {}"),
}
STREETS = {
    "en": (
        *("{name} Street", "{name} St", "{name} St.", "{name} Road", "{name} Rd", "{name} Avenue"),
        *("{name} Ave", "{name} Ave.", "{name} Lane", "{name} Ln", "{name} Drive", "{name} Dr"),
        *("{name} Blvd", "{name} Court", "{name} Way", "{name} Place", "{name} Close"),
        *("N {name} St", "West {name} Avenue", "{nth} Street", "{nth} Ave", "{nth} St NW"),
        *("Highway {number}", "Route {number}", "County Road {number}", "Main Street", "High St"),
    ),
    "es": ("Calle {name}", "C/ {name}", "Avda. {name}", "Avenida de {name}", "Paseo {name}"),
    "de": ("{name}straße", "{name}str.", "{name}strasse", "{name}weg", "{name}allee", "Am {name}"),
    "fr": ("rue {name}", "rue de {name}", "avenue {name}", "boulevard {name}", "place {name}"),
    "it": ("Via {name}", "Viale {name}", "Piazza {name}", "Corso {name}", "Vicolo {name}"),
    "pt": ("Rua {name}", "R. {name}", "Avenida {name}", "Av. {name}", "Travessa {name}"),
    "nl": ("{name}straat", "{name}weg", "{name}laan", "{name}plein", "{name}gracht"),
}
# What has a capital and names neither people nor places nor organisations.
THINGS = (
    "World War I,World War II,the First World War,the Second World War,the Cold War,the Civil War,"
    "the Vietnam War,the Gulf War,the French Revolution,the Industrial Revolution,the Renaissance,"
    "the Middle Ages,the Enlightenment,the Reformation,the Great Depression,the Bronze Age,"
    "the Victorian era,the Holocaust,the Black Death,the Olympics,the Summer Olympics,"
    "the Winter Olympics,the Paralympics,the World Cup,the Super Bowl,the Tour de France,Wimbledon,"
    "the Grammy Awards,the Academy Awards,the Oscars,the Nobel Prize,the Pulitzer Prize,"
    "the Booker Prize,the Eurovision Song Contest,Christmas,Easter,Thanksgiving,Halloween,Ramadan,"
    "Eid,Diwali,Hanukkah,Passover,Lent,Carnival,Mardi Gras,Oktoberfest,Independence Day,"
    "Bastille Day,Labor Day,Memorial Day,Mother's Day,New Year's Eve,Black Friday,Earth Day,"
    "Christianity,Islam,Judaism,Buddhism,Hinduism,Catholicism,Calvinism,Marxism,Darwinism,"
    "Romanticism,Impressionism,Cubism,Baroque,Gothic,Art Deco,Jazz,Bollywood films,"
    "the Old Testament,Genesis,the Torah,the Iliad,Beowulf,the Magna Carta,the Constitution,"
    "the Second Amendment,the Treaty of Versailles,the Clean Air Act,Brexit,the Big Bang,"
    "Halley's Comet,the Milky Way,Parkinson's,Down syndrome,Ebola,Zika,Apollo 11,the Titanic,"
    "the Mayflower,Air Force One,a Boeing 747,an Airbus A320,the Concorde,the Model T,"
    "a Kalashnikov,Velcro,Teflon,Coke,Nutella,Guinness,Champagne,Bordeaux,Chardonnay,Cheddar,"
    "Camembert,Sachertorte,Caesar salad,Earl Grey,Bloody Mary,Sherlock,Monopoly,Scrabble,Tetris,"
    "Minecraft,Dungeons & Dragons,Super Mario,Linux,Wi-Fi,Photoshop,the Internet,"
    "the Web,Morse code,Braille,Celsius,Fahrenheit,Richter scale,Sanskrit,Latin,Old English,"
    "Homo sapiens,Tyrannosaurus rex,Labradors,Siamese cats,Merino wool,Douglas fir,Brownian motion,"
    "Ohm's law,the Pythagorean theorem,Boolean algebra,Gaussian noise,the Turing test,Python,"
    "the Mona Lisa,the Rosetta Stone,the Bayeux Tapestry,the Moonlight Sonata,the Ninth Symphony,"
    "Carmen,Tosca,Hamlet,Macbeth,Don Quixote,Jane Eyre,Robinson Crusoe,Frankenstein,Dracula,"
    "Snow White,Cinderella,Citizen Kane,Annie Hall,Doctor Who,Hey Jude,Billie Jean,Sgt. Pepper"
).split(",")
# Places that are called after people: before and behind a name.
LANDMARKS = (
    "{} Bridge,{} Park,{} Square,{} Hill,{} Castle,{} Beach,{} Island,{} Falls,{} Bay,{} Valley,"
    "{} Creek,{} River,{} County,{} Station,{} Airport,{} Theatre,{} Tower,{} House,{} Gardens,"
    "{} Cathedral,{} Stadium,{} National Park,{} Memorial,{} Library,{} Heights,{} Springs,"
    "Lake {},Mount {},Cape {},Port {},Fort {},Point {},Villa {},Palazzo {},Château {},Plaza {},"
    "St. {}'s Church,Saint {}'s Cathedral,San {},Santa {},Place {},Isle of {}"
).split(",")
