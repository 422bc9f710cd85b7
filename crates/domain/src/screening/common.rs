//! Words that say little about who bears them, and given names that are the same one.
//!
//! An index counts how common its own words are. What it can't see is that a name which is rare on
//! a list is common among everybody else; the tables here say so of the most common ones.

use std::collections::HashMap;

/// Particles, titles and words for kinship: they come and go, and cost nothing.
const PARTICLES: &str = "\
    al el ul ur ar as ad an az us ed ud ed eddin eddine de del della der den des di do dos da das \
    la las le les los y e i van von vom zu zum zur ten ter bin ibn ben bint bnt beni bar oglu ogly \
    qizi kizi haji hajji hajj sheikh shaykh sheik cheikh mullah mulla mawlawi maulavi maulana \
    mr mrs ms dr prof eng gen col general sayyid sayed seyed syed and und et for of the fur ve";

/// Words of which companies are full.
const OF_COMPANIES: &str = "\
    trading trade trust company international intl general group holding holdings import export \
    industries industry industrial industrie services service bank banking global consulting \
    logistics shipping maritime marine lines development construction engineering electronics \
    technology technologies tech energy oil gas petroleum petrochemical petrochemicals chemical \
    chemicals mining exchange investment investments finance financial capital partners \
    enterprise enterprises empresarial grupo inversiones comercial foundation association relief \
    charity society organization organisation movement islamic national center centre institute \
    university factory plant works parts products precision przedsiebiorstwo handlowe produkcyjne \
    uslugowe societe miniere gesellschaft handels torgovyi zavod kompaniya firma software \
    military security transport air airlines aviation medical pharma textiles foods north south \
    east west norte sur new";

/// Legal forms, after dots are gone, in Latin letters.
const LEGAL_FORMS: &str = "\
    ltd limited llc lc llp lp inc incorporated corp corporation co company plc pty pte pvt private \
    sdn bhd gmbh mbh ag kg ohg kgaa ug ev mit beschrankter beschraenkter haftung se sa sas sarl \
    sasu eurl srl spa snc sl slu sau cv sab ca ltda eireli lda bv nv cvba bvba vof ab oy oyj as \
    asa aps kft zrt nyrt bt sro spol doo dd ad ood eood sia uab ou tbk pt cv fze fzc fzco dmcc \
    wll bsc saoc psc pjsc jsc ojsc cjsc ooo oao zao ao pao tov tzov too sp zo zoo oo \
    spzoo spolka ograniczona odpowiedzialnoscia akcyjna jawna komandytowa sk spk anonim sirketi \
    sti obshchestvo ogranichennoi ogranichennoy otvetstvennostiu otvetstvennostyu \
    aktsionernoe publichnoe compania anonima sociedad limitada societa per azioni anonyme \
    responsabilite limitee ae epe ike kk kabushiki kaisha";

/// Names that many bear who are on no list, in Latin letters without signs.
const NAMES: &str = "\
    mohammed muhammad mohamed mohammad ahmed ahmad ali hassan hasan hussein hossein ibrahim khan \
    abdullah omar yusuf mustafa mahmoud khalid said saeed ismail hamid karim rashid aziz salem \
    hamdan haddad mansour mansouri saleh nasser nasr jamal malik singh kaur kumar sharma patel \
    hussain begum ivan ivanov ivanova petrov petrova smirnov sokolov popov volkov kuznetsov \
    aleksandr alexander sergey sergei dmitry andrey alexey mikhail nikolay vladimir viktor oleg \
    igor yuri olga elena natalya tatyana irina anna maria shevchenko bondarenko kovalenko \
    kovalchuk jan piotr andrzej krzysztof tomasz pawel kowalski kowalska nowak wisniewski wojcik \
    kowalczyk kaminski lewandowski zielinski szymanski dabrowski kozlowski schmidt muller \
    schneider fischer weber meyer meier wagner becker schulz hoffmann peter hans thomas michael \
    wolfgang jurgen garcia fernandez gonzalez rodriguez lopez martinez sanchez perez gomez martin \
    jose juan carlos luis antonio pedro pablo silva santos oliveira souza pereira costa ferreira \
    joao rossi russo ferrari esposito bianchi romano giuseppe francesco smith jones taylor brown \
    williams wilson johnson davies miller davis robert william john james david charles joseph \
    daniel cohen levy wang li zhang liu chen yang zhao huang zhou wu xu sun zhu lin wei ming jun \
    kim lee park choi jung nguyen tran pham hoang huynh phan van thi hung minh tuan yilmaz kaya \
    demir mehmet papadopoulos george georgios martinez jean pierre dubois moreau";

/// Given names that are one name in several languages or forms, a group each.
const GIVEN: &[&str] = &[
    "muhammad mohammed mohammad mohamed muhammed mehmet mohd md mahomet magomed mamadou mukhammad",
    "ahmed ahmad akhmed ahmet amadou akhmad",
    "yusuf yousef youssef josef joseph jose giuseppe iosif yosef jozef josip joe jusuf josu",
    "aleksandr alexander aleksander alexandre alejandro oleksandr aliaksandr sasha alex alessandro",
    "ivan john jan johann johannes juan jean giovanni joao ioannis yahya jahja sean johan",
    "mikhail michael michal miguel michel mykhailo mykhaylo mihail mike misha mikael michele",
    "yevgeny evgeny eugene evgenii jewgenij yevhen eugeniusz eugen eugenio",
    "yevgeniya evgenia eugenia evgeniya jewgenija",
    "sergey sergei serhiy serge sergio siarhei sergej",
    "nikolay nikolai nicholas nicolas mykola mikalai nicolae nikolaos nikos nick mikolaj nicola",
    "andrey andrei andrew andrzej andreas andriy andre andres andrea andrej",
    "pyotr petr peter piotr petro pedro pierre pietro petros petar",
    "pavel paul pawel pablo paolo pavlo paulo pavlos pal",
    "vladimir volodymyr wladimir vlad uladzimir vova wlodzimierz",
    "dmitry dmitriy dmitri dimitri dmytro dzmitry dimitrios dima",
    "yuri yury yuriy jurij iurii george georg georgy georgios giorgi jerzy jorge yorgos jiri \
     giorgio gyorgy heorhiy georges",
    "grigory gregory grzegorz hryhoriy gregorio gregor grigoris",
    "stepan stefan stephen steven esteban etienne stefano istvan",
    "fyodor fedor theodore teodor fedir theodoros",
    "viktor victor viktar wiktor vittorio",
    "konstantin constantine kostyantyn konstantinos kostas costas",
    "vasily vasiliy basil vasyl wasilij vasilios vassilis bazyli",
    "yelena elena helena olena helen alena elene ilona",
    "yekaterina ekaterina catherine katarzyna kateryna katerina katarina katherine catalina kate",
    "tatyana tatiana tanya tetiana tania",
    "anna anne ana hanna ann anya",
    "maria mary marie mariya marija maryam mariam miriam maryja",
    "natalya natalia natalie nataliya natasha natallia",
    "ilya elijah elias illia ilias eliasz",
    "yakov jacob jakob yaqub james jakub jacques giacomo yaakov",
    "isaac itzhak yitzhak ishaq isaak izaak",
    "ibrahim abraham ebrahim avraham brahim ibragim",
    "ismail ismael esmail smail ishmael esmaeil",
    "musa moussa moses moshe mousa moises",
    "isa eisa issa jesus",
    "daud dawood dawud david daoud davud davit davide",
    "sulayman suleiman soliman suleyman solomon salman sulaiman souleymane shlomo",
    "haroun harun aaron aharon",
    "omar umar omer oumar",
    "uthman othman osman usman ousmane",
    "ali aly alee",
    "hussein husayn hossein hussain husain houssein huseyin hoseyn",
    "hassan hasan hasen khasan",
    "jamal gamal djamal dzhamal cemal jamaal",
    "tariq tarek tarik tareq tareck",
    "khalid khaled haled chaled halid",
    "qasim qasem ghasem kassem kasem qassem kasim",
    "ramadan ramazan ramzan ramadhan ramsan",
    "zaynab zainab zeinab zeynep",
    "fatima fatma fatemeh fatimah fatoumata",
    "william bill billy guillermo wilhelm willem guillaume will liam",
    "robert bob bobby roberto rob",
    "richard dick ricardo ryszard riccardo rick",
    "margaret maggie malgorzata margarita marguerite peggy meg",
    "elizabeth elisabeth elzbieta liz betty isabel elisabetta yelizaveta",
    "charles charlie carlos karl carl karol carlo",
    "patrick pat patricio patryk patrice",
    "edward eduard edouard eduardo ted ed edvard",
    "henry henri heinrich enrique enrico henryk harry",
    "francis francisco francesco franciszek franz francois frank",
    "louis luis ludwig luigi lewis luiz",
    "lawrence laurent lorenzo wawrzyniec lorenz",
    "christopher krzysztof christophe cristobal christos kristof chris hristos",
    "thomas tomasz tomas tom tommaso foma",
    "matthew matteo mateusz matthias mateo matvey mathieu",
    "philip philippe felipe filip filippo phil",
    "anthony antonio antoine anton antoni tony antonios",
    "evangelos vangelis",
    "salvatore toto salvador",
    "rafael raphael raffaele rafal",
    "stanislav stanislaw stanislas",
    "vojtech wojciech adalbert",
    "semyon semion simon shimon szymon simeon simone",
    "gennady gennadiy henadz hennadiy",
    "vyacheslav viacheslav slava wjatscheslaw",
    "park pak",
    "lee yi rhee",
    "choi choe",
];

/// What is known of a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// A particle or a title.
    pub(super) particle: bool,
    /// Part of a legal form.
    pub(super) legal_form: bool,
    /// Companies are full of it.
    pub(super) of_companies: bool,
    /// A name that many bear.
    pub(super) common_name: bool,
    /// The groups of given names that it is in, by number.
    pub(super) groups: Vec<u16>,
}

/// The tables above, by word.
pub(super) struct Vocabulary(HashMap<&'static str, Known>);

impl Vocabulary {
    pub(super) fn new() -> Self {
        let mut all: HashMap<&'static str, Known> = HashMap::new();
        for word in PARTICLES.split_ascii_whitespace() {
            all.entry(word).or_default().particle = true;
        }
        for word in LEGAL_FORMS.split_ascii_whitespace() {
            all.entry(word).or_default().legal_form = true;
        }
        for word in OF_COMPANIES.split_ascii_whitespace() {
            all.entry(word).or_default().of_companies = true;
        }
        for word in NAMES.split_ascii_whitespace() {
            all.entry(word).or_default().common_name = true;
        }
        for (group, words) in (0u16..).zip(GIVEN) {
            for word in words.split_ascii_whitespace() {
                all.entry(word).or_default().groups.push(group);
            }
        }
        Self(all)
    }

    pub(super) fn get(&self, word: &str) -> Option<&Known> {
        self.0.get(word)
    }
}
