/** Words that names are made of. Addresses end in `.example`, which nobody can own. */
const list = (/** @type {string} */ text) => text.split(" ");

export const FIRST_NAMES = list(
  "Ada Aino Alan Amara Anders Anna Anton Aria Astrid Ben Bo Carla Chen Clara Dana Daniel David Diego Edda Elif Elias Emil Emma Erik Eva Farid Felix Finn Flora Frida Georg Gita Hana Hans Hugo Ida Ines Ivan Jana Jonas Julia Kai Karin Kofi Lara Lars Lea Leon Lila Lin Luca Maja Marco Maria Mateo Mia Mila Mina Nadia Nils Nina Noah Nora Olaf Olga Omar Oscar Paula Pavel Petra Priya Rahul Rita Rosa Ruben Samir Sara Sofia Sven Tara Theo Tim Tom Uma Vera Viktor Wei Yara Yuki Zoe",
);
export const LAST_NAMES = list(
  "Abel Ahmed Andersen Bauer Becker Berg Bianchi Braun Chen Costa Dahl Diaz Dubois Eriksen Fischer Fontaine Garcia Gruber Haas Hansen Horvat Ito Ivanov Jensen Johansson Kaya Keller Kim Klein Koch Kovacs Kumar Lange Larsen Lee Lopez Maier Martin Mendes Meyer Moreau Muller Nakamura Nguyen Nielsen Novak Okafor Olsen Park Patel Pereira Petrov Popov Ricci Rossi Russo Sato Schmidt Schneider Silva Singh Smith Sousa Steiner Suzuki Tanaka Torres Vogel Wagner Wang Weber Weiss Wolf Wong Yilmaz Zhang Zimmer",
);
export const DOMAINS = [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => `mail-${letter}.example`);
export const MACHINE_WORDS = list("studio laptop desk server rack build lab kitchen garage office tower mini nas edge worker render home attic backup stage");
export const BOT_WORDS = list("rocky badger scout helper archer pilot ranger clerk tutor baker gardener librarian sailor doctor judge poet cook porter miner tinker weaver hunter keeper guide oracle");
export const COMPLAINTS = list("slow offline missing late wrong twice stuck lost strange broken");
export const PLATFORMS = list("ios android web macos windows linux");
