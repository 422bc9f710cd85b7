//! People who fill a list: names put together of parts that are common somewhere, the same ones
//! each time.

use super::{Birth, Entry, Kind, List, Name, Strength};
use jiff::civil::date;

/// Given names, family names and the beginnings and ends of rarer ones, a culture each.
const CULTURES: [[&str; 4]; 9] = [
    [
        "Muhammad Ahmad Mahmud Hamza Bilal Khalil Walid Marwan Ziad Anwar Munir Rafiq Nabil Salah",
        "Al-Masri Al-Tikriti Haddad Khoury Shamsi Najjar Sabbagh Qasimi Zahrani Ghamdi Barzani",
        "Abu Kh Sh Th Gh Dh Zu Ma Mu Na Ra Sa Ha Fa Ja Qa Wa Ba",
        "rawi mani yadi shidi lawi qani sabi hmani talibi zzawi dani mlawi bari rashi qawi nimi",
    ],
    [
        "Aleksandr Sergey Dmitry Andrey Vladimir Igor Oleg Roman Maksim Pavel Anton Ruslan Timur",
        "Ivanov Smirnov Kuznetsov Popov Vasilyev Petrov Sokolov Mikhaylov Novikov Fedorov Morozov",
        "Bel Chern Kras Gor Zub Mal Star Dub Grom Kol Sam Vor Tikh Lis Med Orl Bukh Shch Zhd",
        "enko ovsky yakin anov chuk evich yatov insky arev usov ikhin otkin ulin ashvili adze",
    ],
    [
        "José Juan Carlos Luis Miguel Jorge Pedro Rafael Fernando Ricardo Eduardo Sergio Alberto",
        "García Rodríguez Martínez Hernández López González Pérez Sánchez Ramírez Torres Flores",
        "Mont Val Cast Vill Agu Bel Cor Esc Font Gal Iz Lar Mor Nav Per Quint Riv Sal Ur Zal",
        "alvo erano arez illa edo ondo uendia agorri izábal anza ugarte arreta izondo ovedo eruela",
    ],
    [
        "Wei Jun Ming Hong Qiang Lei Tao Bo Peng Jie Xiaoming Guoqiang Jianguo Zhiyuan Haitao",
        "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo",
        "Shang Ou Si Zhu Dong Nan Xi Huang Gong Mu Lü Pu Qi Xia Yan",
        "guan yang ma ge fang men hou pu sun rong qiu shi zi lian chi",
    ],
    [
        "Ali Reza Hossein Mehdi Amir Saeed Hamid Majid Javad Abbas Kazem Behzad Farhad Siamak",
        "Ahmadi Hosseini Karimi Rezaei Moradi Rahimi Jafari Hashemi Kazemi Sadeghi Mousavi Akbari",
        "Shir Pour Far Gol Khor Mehr Naj Par Rast Sohr Taj Vah Yazd Zar Dar Esf Bakht",
        "zadeh pour nejad ani ian doust abadi manesh khani far vand nia parvar shahi",
    ],
    [
        "Kim Chol Yong Sung Hyon Nam Kwang Jong Myong Song Hak Tae Il Chun Ryong",
        "Kim Ri Pak Choe Jong Kang Cho Yun Chang Rim Han O So Sin Kwon Hwang An Song",
        "Chol Yong Sung Hyon Nam Kwang Jong Myong Song Hak Tae Il Chun Ryong",
        "chol ho il nam su guk min jin hun sok bom gun rim hak",
    ],
    [
        "Hans Klaus Dieter Jürgen Stefan Uwe Werner Helmut Rolf Bernd Ralf Horst Kurt Jan Marek",
        "Müller Schmidt Schneider Fischer Weber Nowak Kowalski Wiśniewski Lewandowski Zieliński",
        "Brand Eich Feld Gross Hirsch Kalt Lang Mar Ober Rein Schwarz Stein Wald Wolf Grab Jan",
        "mann hofer berger inger huber meister bauer ecki owski iewicz acki inski stätter kamp",
    ],
    [
        "Jean Pierre Emmanuel Joseph Patrice Moussa Ibrahima Ousmane Amadou Kofi Samuel Chukwu",
        "Diallo Traoré Keita Mensah Okafor Mbeki Nkosi Habimana Mugisha Kabila Tshombe Ndiaye",
        "Ba Bi Ha Ka Ku Ma Mu Na Ndu Nga Nku Nsa Nta Nya Ru Se To Twa",
        "bagiza himana kuranda mbonera nyiragi raziya shimiye turabe vugimana yisenga zimana",
    ],
    [
        "Mehmet Ali Mustafa Ahmet Hüseyin İbrahim Murat Hakan Serkan Rustam Bakhtiyar Nurlan",
        "Yılmaz Kaya Demir Çelik Şahin Yıldız Öztürk Aydın Arslan Aliyev Karimov Rahimov Nazarov",
        "Kara Ak Ulu Boz Gök Tur Er Kur Sar Taş Yal Bek Nur Dan Al Tem",
        "oğlu çı demir soy han bulut kaya tekin baev kulov dzhanov gül bay ergen",
    ],
];

/// Numbers that look drawn (an LCG of 64 bits, Knuth's constants).
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % count
    }

    fn word(&mut self, words: &str) -> String {
        let words: Vec<&str> = words.split_ascii_whitespace().collect();
        words[self.below(words.len())].to_owned()
    }

    fn name(&mut self) -> String {
        let [given, family, begin, end] = CULTURES[self.below(CULTURES.len())];
        let given = match self.below(3) {
            0 => self.word(given),
            _ => format!("{} {}", self.word(given), self.word(given)),
        };
        let family = match self.below(4) {
            0 => self.word(family),
            1 => format!("{} {}{}", self.word(family), self.word(begin), self.word(end)),
            _ => format!("{}{}", self.word(begin), self.word(end)),
        };
        format!("{given} {family}")
    }

    fn births(&mut self) -> Vec<Birth> {
        let year = i16::try_from(1935 + self.below(60)).unwrap();
        let (month, day) = (1 + self.below(12), 1 + self.below(28));
        match self.below(10) {
            0 => Vec::new(),
            1 => vec![Birth::year(year)],
            2 => vec![Birth::year(year).circa()],
            _ => vec![Birth::Day(date(year, month.try_into().unwrap(), day.try_into().unwrap()))],
        }
    }
}

/// As many entries, always the same.
pub(super) fn entries(count: usize) -> Vec<Entry> {
    let mut drawn = Drawn(2_718_281_828);
    let entry = |number| {
        let names = (0..=drawn.below(4).min(2)).map(|_| drawn.name());
        let names = names.map(|text| Name { text, strength: Strength::Strong }).collect();
        Entry {
            list: List::OfacSdn,
            id: format!("F{number:05}"),
            kind: Kind::Person,
            names,
            births: drawn.births(),
            countries: Vec::new(),
            programme: String::new(),
        }
    };
    (0..count).map(entry).collect()
}

/// As many subjects: given names, family name and year.
pub(super) fn subjects(count: usize) -> Vec<(String, String)> {
    let mut drawn = Drawn(314_159_265);
    let subject = |_| {
        let name = drawn.name();
        let (given, family) = name.split_once(' ').unwrap();
        (given.to_owned(), family.to_owned())
    };
    (0..count).map(subject).collect()
}
