package claytest

// The words people and companies are made of. All of it is invented; any
// likeness is chance.
var (
	firstNames = []string{
		"Ada", "Adele", "Amara", "Amir", "Anika", "Anton", "Beatriz", "Ben", "Bruno", "Camille", "Carla", "Chen",
		"Clara", "Dalia", "Daniel", "Dario", "Edith", "Elena", "Emil", "Farah", "Felix", "Fiona", "Gabriel", "Greta",
		"Hana", "Hugo", "Ibrahim", "Ingrid", "Isaac", "Ivana", "Jasmine", "Jonas", "Julia", "Kai", "Katya", "Kofi",
		"Lars", "Leila", "Liam", "Lucia", "Maya", "Marek", "Mina", "Nadia", "Nikhil", "Noor", "Olga", "Oscar",
		"Paula", "Pedro", "Priya", "Quentin", "Rafael", "Rosa", "Sami", "Selma", "Stefan", "Tara", "Theo", "Uma",
		"Victor", "Vera", "Wanda", "William", "Ximena", "Yara", "Yusuf", "Zoe",
	}
	lastNames = []string{
		"Abbott", "Almeida", "Andersen", "Banerjee", "Barlow", "Becker", "Bianchi", "Calloway", "Castro", "Chandra",
		"Costa", "Dahl", "Delgado", "Duarte", "Eriksen", "Farrow", "Ferrari", "Fischer", "Fontaine", "Garner",
		"Grant", "Haddad", "Hansen", "Hartmann", "Ibarra", "Ivanov", "Jensen", "Kaplan", "Keller", "Kimura",
		"Kowalski", "Lambert", "Lindqvist", "Marsh", "Mbeki", "Mercer", "Moreau", "Nakamura", "Novak", "Okafor",
		"Olsen", "Palmer", "Petrov", "Quinn", "Ramos", "Reyes", "Rossi", "Sandoval", "Santos", "Schneider",
		"Silva", "Sorensen", "Takeda", "Tanner", "Underwood", "Vargas", "Vogel", "Wallace", "Weber", "Yilmaz", "Zhou",
	}
	titles = []string{
		"Account Executive", "Chief Executive Officer", "Chief Financial Officer", "Chief Marketing Officer",
		"Chief Technology Officer", "Customer Success Manager", "Data Engineer", "Director of Engineering",
		"Director of Finance", "Director of Operations", "Director of Sales", "Founder", "Head of Data",
		"Head of Growth", "Head of Marketing", "Head of People", "Head of Product", "Head of Sales",
		"IT Manager", "Marketing Manager", "Operations Manager", "Product Designer", "Product Manager",
		"Revenue Operations Manager", "Sales Development Representative", "Senior Product Manager",
		"Senior Software Engineer", "Software Engineer", "Solutions Architect", "VP of Customer Success",
		"VP of Engineering", "VP of Marketing", "VP of Operations", "VP of Sales",
	}
	cities = []string{
		"Amsterdam, Netherlands", "Atlanta, Georgia, United States", "Austin, Texas, United States",
		"Barcelona, Spain", "Bengaluru, India", "Berlin, Germany", "Boston, Massachusetts, United States",
		"Brussels, Belgium", "Chicago, Illinois, United States", "Copenhagen, Denmark",
		"Denver, Colorado, United States", "Dublin, Ireland", "Geneva, Switzerland", "Hamburg, Germany",
		"Helsinki, Finland", "Lisbon, Portugal", "London, United Kingdom", "Lyon, France", "Madrid, Spain",
		"Manchester, United Kingdom", "Melbourne, Australia", "Mexico City, Mexico", "Milan, Italy",
		"Montreal, Canada", "Munich, Germany", "New York, New York, United States", "Oslo, Norway",
		"Paris, France", "Portland, Oregon, United States", "Prague, Czechia", "San Francisco, California, United States",
		"Seattle, Washington, United States", "Singapore", "Stockholm, Sweden", "São Paulo, Brazil",
		"Sydney, Australia", "Tokyo, Japan", "Toronto, Canada", "Vienna, Austria", "Warsaw, Poland", "Zürich, Switzerland",
	}
	industries = []string{
		"Accounting", "Biotechnology", "Construction", "Consumer Goods", "E-commerce", "Education Technology",
		"Energy", "Financial Services", "Food Production", "Healthcare", "Hospitality", "Human Resources",
		"Industrial Automation", "Insurance", "Legal Services", "Logistics", "Manufacturing", "Marketing Services",
		"Media", "Real Estate", "Retail", "Security", "Software", "Telecommunications",
	}
	companyFirsts = []string{
		"Amber", "Birch", "Bright", "Cedar", "Clear", "Cobalt", "Copper", "Delta", "Ember", "Evergreen", "Granite",
		"Harbor", "Iron", "Juniper", "Lantern", "Maple", "Meadow", "North", "Orchard", "Pine", "Quarry", "River",
		"Silver", "Stone", "Summit", "Tidal", "Violet", "Willow",
	}
	companySeconds = []string{
		"Analytics", "Bridge", "Foods", "Freight", "Health", "Industries", "Instruments", "Labs", "Logistics",
		"Materials", "Media", "Partners", "Robotics", "Software", "Studios", "Systems", "Textiles", "Works",
	}
)
