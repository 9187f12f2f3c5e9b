# SPDX-License-Identifier: MIT
"""The phrasings, words and facts from which problems.py makes its problems."""

OPENERS = ("Please tell me: ", "Hi, ", "Hello! ", "Hey, ", "Now, ", "Quick question: ", "And ", "OK, ", "Can you tell me, ", "Next: ",
           "So, ", "Please answer: ", "Tell me, ")

ADD = ("What is {a} + {b}?", "What is {a} + {b}?", "What is {a} + {b}?", "{a} + {b}", "{a}+{b}", "{a} + {b} = ?", "{a}+{b}=", "{a} + {b} =",
       "Add {a} and {b}.", "Add {a} to {b}.", "What is {a} plus {b}?", "{a} plus {b}", "Can you compute {a} plus {b}?",
       "Compute {a} + {b}.", "Calculate {a} + {b}.", "What's {a} + {b}?", "What's {a} plus {b}?", "How much is {a} + {b}?",
       "How much is {a} plus {b}?", "What is the sum of {a} and {b}?", "Find the sum of {a} and {b}.", "Sum {a} and {b}.",
       "Please add {a} and {b}.", "Can you add {a} and {b}?", "Could you calculate {a} + {b} for me?", "What is {a}+{b}?",
       "What do you get if you add {a} and {b}?", "Solve {a} + {b}.", "I have {a} and get {b} more. How many do I have?",
       "The sum of {a} and {b} is?", "Work out {a} + {b}.", "What does {a} + {b} equal?", "{a} and {b} together make?")

MULTIPLY = ("What is {a} * {b}?", "What is {a} * {b}?", "{a} * {b}", "{a}*{b}", "{a} x {b}", "{a} \u00d7 {b}", "{a} * {b} = ?", "{a}*{b}=",
            "What is {a} x {b}?", "What is {a} \u00d7 {b}?", "What is {a} times {b}?", "{a} times {b}", "Multiply {a} by {b}.",
            "Multiply {a} and {b}.", "Can you multiply {a} by {b}?", "Compute {a} * {b}.", "Calculate {a} * {b}.",
            "Compute {a} times {b}.", "What's {a} times {b}?", "What's {a} * {b}?", "How much is {a} times {b}?",
            "How much is {a} * {b}?", "What is the product of {a} and {b}?", "Find the product of {a} and {b}.", "What is {a}*{b}?",
            "Please multiply {a} and {b}.", "Could you calculate {a} * {b} for me?", "Solve {a} * {b}.", "Work out {a} x {b}.",
            "What is {a} multiplied by {b}?", "What do you get if you multiply {a} by {b}?", "The product of {a} and {b} is?",
            "What does {a} * {b} equal?", "Can you compute {a} times {b}?")

COUNT = ("How many times does the letter {c} appear in {w}?", "How many {c} are in {w}?", "How many {c}'s are in {w}?",
         "How many {c}'s are in the word {w}?", "How many {c}'s are there in {w}?", "How many letters {c} are in {w}?",
         "How many times does {c} occur in {w}?", "Count the letter {c} in {w}.", "Count the letter {c} in the word {w}.",
         "Count the {c}'s in {w}.", "How often does the letter {c} appear in {w}?", "How often does {c} occur in the word {w}?",
         "How many \"{c}\" are in \"{w}\"?", "How many times does the letter \"{c}\" appear in \"{w}\"?",
         "How many times does the letter '{c}' appear in '{w}'?", "Count the letter {c} in \"{w}\".",
         "In the word {w}, how many {c} are there?", "Count how many times {c} appears in {w}.", "How many {c} does {w} have?",
         "How many {c}'s does the word {w} contain?", "Can you count the letter {c} in {w}?", "Number of {c} in {w}?",
         "How many of the letter {c} are in {w}?", "The word {w} contains how many {c}?")

REVERSE = ("Reverse the word {w}.", "Reverse the word {w}.", "Reverse {w}.", "Reverse {w}", "Reverse \"{w}\".", "Reverse the word \"{w}\".",
           "Reverse the word '{w}'.", "What is {w} reversed?", "What is {w} backwards?", "What is the word {w} backwards?",
           "Spell {w} backwards.", "Spell the word {w} backwards.", "Write {w} backwards.", "Write the word {w} in reverse.",
           "Can you reverse the word {w}?", "Can you spell {w} backwards?", "How do you spell {w} backwards?",
           "Please reverse the word {w}.", "Could you reverse {w} for me?", "What's {w} spelled backwards?", "{w} backwards?",
           "{w} reversed", "Turn the word {w} around.", "Give me {w} in reverse.", "What does {w} look like in reverse?",
           "Write \"{w}\" backwards.", "What is \"{w}\" spelled backwards?", "Reverse the letters of {w}.",
           "Reverse the letters in the word {w}.", "Reverse this word: {w}", "Reverse: {w}")

SORT_UP = ("Sort the digits {d}.", "Sort the digits {d}.", "Sort {d}.", "Sort {d}", "Sort these digits: {d}", "Sort these digits: {d}.", "Sort the digits of {d}.",
           "Sort the numbers {d}.", "Sort these numbers: {d}", "Put the digits {d} in order.", "Put {d} in order.",
           "Put these digits in order: {d}", "Can you sort the digits {d}?", "Can you sort {d}?", "Please sort {d}.",
           "Please sort the digits {d}.", "Order the digits {d}.", "Arrange the digits {d} in ascending order.", "Arrange {d} in order.",
           "Sort {d} in ascending order.", "Sort the digits {d} in ascending order.", "Sort the digits {d} from smallest to largest.",
           "Sort {d} from low to high.", "What is {d} sorted?", "What are the digits {d} sorted?", "Could you sort the digits {d} for me?",
           "Sort: {d}", "Write the digits {d} in order.")

SORT_DOWN = ("Sort the digits {d} in descending order.", "Sort {d} in descending order.", "Sort {d} from high to low.",
             "Sort the digits {d} from largest to smallest.", "Arrange the digits {d} in descending order.",
             "Sort these digits in descending order: {d}", "Can you sort {d} in descending order?",
             "Put {d} in descending order.", "Sort the numbers {d} from largest to smallest.", "Sort {d} descending.",
             "Please sort the digits {d} in descending order.", "Order the digits {d} from high to low.")

# (small unit, big unit, how many small ones make a big one); singular and plural of each
UNITS = ((("minute", "minutes"), ("hour", "hours"), 60), (("second", "seconds"), ("minute", "minutes"), 60),
         (("second", "seconds"), ("hour", "hours"), 3600), (("hour", "hours"), ("day", "days"), 24), (("day", "days"), ("week", "weeks"), 7), (("month", "months"), ("year", "years"), 12),
         (("year", "years"), ("decade", "decades"), 10), (("year", "years"), ("century", "centuries"), 100),
         (("meter", "meters"), ("kilometer", "kilometers"), 1000), (("centimeter", "centimeters"), ("meter", "meters"), 100),
         (("millimeter", "millimeters"), ("centimeter", "centimeters"), 10), (("m", "m"), ("km", "km"), 1000), (("cm", "cm"), ("m", "m"), 100),
         (("gram", "grams"), ("kilogram", "kilograms"), 1000), (("g", "g"), ("kg", "kg"), 1000), (("kilogram", "kilograms"), ("ton", "tons"), 1000),
         (("milliliter", "milliliters"), ("liter", "liters"), 1000), (("cent", "cents"), ("dollar", "dollars"), 100), (("cent", "cents"), ("euro", "euros"), 100),
         (("bit", "bits"), ("byte", "bytes"), 8), (("egg", "eggs"), ("dozen", "dozens"), 12), (("inch", "inches"), ("foot", "feet"), 12),
         (("leg", "legs"), ("spider", "spiders"), 8), (("leg", "legs"), ("dog", "dogs"), 4), (("leg", "legs"), ("bird", "birds"), 2),
         (("leg", "legs"), ("ant", "ants"), 6))
LATER_UNITS = ((("foot", "feet"), ("yard", "yards"), 3), (("inch", "inches"), ("yard", "yards"), 36), (("ounce", "ounces"), ("pound", "pounds"), 16),
               (("week", "weeks"), ("year", "years"), 52), (("mg", "mg"), ("g", "g"), 1000), (("ml", "ml"), ("l", "l"), 1000), (("mm", "mm"), ("cm", "cm"), 10),
               (("mm", "mm"), ("m", "m"), 1000), (("pint", "pints"), ("gallon", "gallons"), 8), (("quart", "quarts"), ("gallon", "gallons"), 4),
               (("day", "days"), ("fortnight", "fortnights"), 14), (("wheel", "wheels"), ("car", "cars"), 4), (("finger", "fingers"), ("hand", "hands"), 5),
               (("leg", "legs"), ("cat", "cats"), 4), (("leg", "legs"), ("bee", "bees"), 6), (("string", "strings"), ("guitar", "guitars"), 6))

UNIT = ("How many {wanted} are {given}?", "How many {wanted} are {given}?", "How many {wanted} are in {given}?", "How many {wanted} are there in {given}?",
        "Convert {given} to {wanted}.", "Convert {given} into {wanted}.", "What is {given} in {wanted}?", "{given} in {wanted}",
        "{given} to {wanted}", "How many {wanted} is {given}?", "How many {wanted} make {given}?", "{given} are how many {wanted}?",
        "Express {given} in {wanted}.", "Please convert {given} to {wanted}.", "Can you convert {given} to {wanted}?", "{given} = ? {wanted}")
LEGS = ("How many {wanted} do {given} have?", "How many {wanted} have {given}?", "How many {wanted} are on {given}?", "{given} have how many {wanted}?",
        "If there are {given}, how many {wanted} are there?", "There are {given}. How many {wanted} do they have together?")

REFUSAL = ("I only know sums up to 3 digits, products up to 2 digits, counting letters, reversing words, sorting digits, "
           "simple units, and wafer itself.")
REFUSE_WORKING = "This is not something I know."
WAFER_WORKING = "This is about wafer or me."

WAFER = (
    (("What is wafer?", "What's wafer?", "Tell me about wafer.", "Describe wafer.", "Explain wafer.", "What is the wafer library?", "What does wafer do?",
      "Tell me what wafer is.", "Tell me what wafer does.", "What can wafer do?", "What is wafer for?", "What is this library?", "What is this project?", "Give me a summary of wafer.", "wafer?"),
     "wafer is a header-only C++20 library that runs open-weight language models and tells what every token would cost on other hardware."),
    (("Who are you?", "What are you?", "What is your name?", "Introduce yourself.", "Tell me about yourself.", "Are you an AI?", "Which model are you?",
      "What model is this?", "What's your name?", "What is your purpose?", "What are you for?", "Describe yourself.", "Are you a robot?", "Are you human?", "Are you ChatGPT?"),
     "I am the tiny reasoner, the small default model of wafer."),
    (("What can you do?", "What do you know?", "How can you help me?", "What are you able to do?", "Help", "Help me.", "What are your skills?",
      "What questions can I ask?", "What can I ask you?", "What are you good at?", "List your abilities.", "What should I ask you?"),
     "I can add, multiply, count letters, reverse words, sort digits, convert simple units, and answer questions about wafer."),
    (("Hello", "Hi", "Hello!", "Hi!", "Hey", "Hello there!", "Good morning", "Good evening", "Hi there", "Good morning!", "Greetings", "Hey there!"),
     "Hello! Ask me for a sum, a product, a word puzzle, or about wafer."),
    (("How are you?", "How are you doing?", "How is it going?", "How do you feel?", "Are you well?"),
     "All my weights are in place, thank you."),
    (("Thanks", "Thank you", "Thanks!", "Thank you!", "Thank you very much.", "Thanks a lot!", "Great, thanks", "Thanks, that helps."),
     "You are welcome."),
    (("Bye", "Goodbye", "Bye!", "Goodbye!", "See you", "See you later.", "Good night", "Bye bye", "Quit", "Exit"),
     "Goodbye!"),
    (("Good", "Well done!", "Great!", "Nice", "Correct.", "That is right.", "Cool!", "OK", "Good job!", "Awesome"),
     "Glad to hear it."),
    (("Why keep weights in SRAM?", "Why does wafer keep weights in SRAM?", "Why SRAM?", "Why should weights stay in SRAM?", "What is the idea of wafer?",
      "What is the idea behind wafer?", "Why keep the weights in SRAM?", "Why does wafer use SRAM?", "What inspired wafer?", "What is the advantage of SRAM?", "Why are weights kept in SRAM?"),
     "Weights are loaded once into SRAM beside the arithmetic and never move; only small activations travel, so no token waits for memory traffic."),
    (("What limits the speed of a GPU?", "Why is a GPU slow at decoding?", "What does a GPU do with the weights?", "Why is HBM a bottleneck?",
      "What sets the speed of a GPU?", "Why do GPUs wait for memory?"),
     "A GPU streams the same weights from HBM for every token; that traffic, not arithmetic, sets its speed."),
    (("What is the resident weights arena?", "What is the resident arena?", "What is the arena?", "What is an arena in wafer?",
      "Explain the resident weights arena.", "What does the arena do?", "What are resident weights?", "Where are the weights kept?"),
     "The resident arena is memory that models SRAM tiles: weights are packed once, placed on tiles, and sealed read-only."),
    (("What is a tile?", "What is a tile in wafer?", "What are tiles?", "Explain tiles.", "What does a tile hold?", "What is an SRAM tile?"),
     "A tile is a piece of SRAM with its own arithmetic; in wafer each thread owns its tiles for good and always multiplies them."),
    (("What is a plan?", "What does plan do?", "What is the plan in wafer?", "How much memory does a model need?", "Explain the plan.",
      "How do I know whether a model fits?"),
     "A plan reads only the file's header and gives the exact bytes for weights, cache and scratch, and which tile holds what."),
    (("What does seal do?", "What does sealing do?", "What happens after seal?", "Can weights change after loading?", "Are weights immutable?", "What is sealing?"),
     "After sealing the weights are read-only; a new checkpoint of the same shape can be swapped in whole."),
    (("How do I load a model?", "How can I load a model?", "How to load a model?", "How do I load a GGUF file?", "How do I open a model?",
      "Which function loads a model?", "Show me how to load a model."),
     "Write const auto model = wafer::load(\"model.gguf\"); it is resident from then on."),
    (("How do I start a chat?", "How do I ask a model something?", "How do I use a session?", "How do I generate text?", "How do I get an answer?",
      "How do I talk to a model?"),
     "Make a wafer::session from the model and loop over the pieces of chat.ask(\"...\")."),
    (("What is a session?", "What does a session hold?", "Explain sessions.", "What is a wafer session?", "Can threads share a session?"),
     "A session is one conversation with a model; it belongs to one thread, while the model is shared."),
    (("Can threads share a model?", "Is a model thread safe?", "Is wafer thread safe?", "Can I share a model between threads?"),
     "Yes: a model is const and shared by threads; each session belongs to one."),
    (("What license does wafer have?", "What is the license of wafer?", "Which license?", "What license is it?", "How is wafer licensed?",
      "Is wafer free?", "Is wafer open source?", "Under which license is wafer?", "What license do you have?"),
     "wafer has the MIT license."),
    (("Which formats can wafer read?", "What formats does wafer support?", "What file formats are supported?", "Which file formats?",
      "Which model files can I use?", "Can wafer read GGUF?", "Can wafer read safetensors?", "What formats?"),
     "wafer reads GGUF files."),
    (("Which architectures does wafer support?", "What architectures are supported?", "Which models can wafer run?", "Which models are supported?",
      "What models can wafer run?", "Can wafer run Llama?", "Can wafer run DeepSeek?", "Does wafer support Qwen?", "Which architectures?"),
     "wafer runs the Llama and Qwen families, mixtures of experts included."),
    (("What is a device-cost policy?", "What is a cost policy?", "What is a device cost policy?", "Explain cost policies.", "What does a cost policy do?",
      "How does wafer estimate cost?", "What is a policy in wafer?"),
     "A device-cost policy hears of all the work that the kernels do and tells what it would take on a device, such as a GPU or a wafer."),
    (("Can I add my own device?", "How do I write a cost policy?", "How do I add a device?", "Can I define my own device?", "How can I model my own hardware?"),
     "Yes: write a type that meets the cost_policy concept, or add one entry to the device catalogue."),
    (("Which devices does wafer know?", "What devices can be compared?", "Which devices are there?", "Which hardware can wafer model?", "What devices are known?"),
     "The device catalogue has GPUs such as the H100 and wafers such as the WSE-3."),
    (("How do errors work?", "How does wafer report errors?", "What is wafer::error?", "What happens on an error?", "Does wafer throw exceptions?",
      "How are errors handled?", "Does wafer abort?"),
     "Errors are one exception type, wafer::error, with a code and where it happened; wafer never aborts."),
    (("What happens when the context is full?", "Is a full context an error?", "What if the context is full?", "What about cancellation?"),
     "Context full, stop and cancel are states, not errors."),
    (("What does wafer depend on?", "What are the dependencies?", "Does wafer need other libraries?", "Which libraries does wafer need?", "What dependencies does wafer have?"),
     "wafer needs only the standard library; xsimd is optional, and doctest serves the tests."),
    (("How do I include wafer?", "Which header do I include?", "How do I use wafer in my program?", "How do I install wafer?", "Is wafer header-only?",
      "How do I embed wafer?", "What header does wafer have?"),
     "Write #include <wafer/llm.hpp>; it is header-only, so there is nothing to link."),
    (("What language is wafer written in?", "Which language is wafer written in?", "Which C++ version does wafer need?", "What C++ standard does wafer use?",
      "In which language is wafer written?"),
     "wafer is written in C++20."),
    (("Which compilers are supported?", "Which compiler do I need?", "What compilers work with wafer?", "Does wafer work with clang?", "Does wafer need special flags?"),
     "wafer works with g++ and clang++ and is fast under plain -O2, without special flags."),
    (("Which CPUs are supported?", "Does wafer use AVX-512?", "Does wafer use SIMD?", "Which instruction sets does wafer use?", "Does wafer run on ARM?"),
     "AVX-512 and AVX2 are picked at run time; everything else runs through xsimd or plain C++."),
    (("Why is wafer fast?", "How fast is wafer?", "What makes wafer fast?", "How does wafer get its speed?", "Is wafer fast?", "How is wafer so fast?"),
     "Weights are packed once in the layout that the kernels read, and each thread keeps its own tiles in its own cache."),
    (("Does wafer use CUDA?", "Does wafer run on a GPU?", "Does wafer use the GPU?", "Does wafer need a GPU?", "Where does wafer run?", "Do I need a GPU?",
      "Can wafer use my GPU?", "Does wafer run on the CPU?"),
     "wafer computes on the CPU; GPUs and wafers are modelled by cost policies."),
    (("What is a wafer-scale engine?", "What is wafer-scale inference?", "What is the WSE-3?", "What is WSE-3?", "What does wafer-scale mean?",
      "Why is it called wafer?", "Why is wafer called wafer?", "What is a wafer-scale chip?"),
     "A wafer-scale engine is one chip as large as a silicon wafer, with its memory as SRAM beside the arithmetic."),
    (("How do I compile wafer?", "How do I build wafer?", "How do I build a program with wafer?", "How do I compile a program with wafer?", "Which flags do I need?",
      "What do I have to link?"),
     "Include wafer/llm.hpp and compile with -std=c++20 -O2 -pthread; there is nothing to link."),
    (("Is wafer deterministic?", "Are results reproducible?", "Does the thread count change the answer?", "Are the results the same on every run?"),
     "Yes: the same prompt gives the same tokens, bit for bit, whatever the thread count."),
    (("What is phantom execution?", "What is exec::phantom?", "What are phantom weights?", "How can a laptop cost a huge model?",
      "How can wafer estimate a 671B model?"),
     "Phantom weights have shapes but no bytes: the same code runs without arithmetic and only reports its work."),
    (("What is a meter?", "What does the meter do?", "What is the meter in wafer?", "How is the work reported?"),
     "The meter gathers the work of every kernel and a policy turns it into time, traffic and what the time was bound by."),
    (("What is a mixture of experts?", "What are experts?", "How many experts do you have?", "How many parameters do you have?", "How big are you?",
      "How large are you?", "What is your architecture?"),
     "I am a mixture of experts of about 2 million parameters: 8 experts a layer, of which 2 work on each token."),
    (("What is a KV cache?", "What is the KV cache?", "What does the KV cache hold?", "Explain the KV cache."),
     "The KV cache keeps the keys and values of earlier tokens, so that each new token is computed only once."),
    (("What is prefill?", "What is decoding?", "What is decode?", "What is the difference between prefill and decode?", "What are prefill and decode?"),
     "Prefill reads the whole prompt at once and is bound by arithmetic; decode makes one token at a time and is bound by bandwidth."),
    (("What is quantization?", "Which quantized formats are there?", "Why quantise weights?", "What is Q8_0?", "What does quantization do?"),
     "Quantised weights use fewer bits each, for instance 8 in Q8_0, so that more of them fit in the same memory."),
    (("What is thinking?", "Why do you think?", "What is think for?", "How do I turn thinking off?", "Why do you show your working?",
      "What does thinking do?", "How do you think?"),
     "Thinking is working out small steps before the answer; it makes me right more often than answering at once."),
    (("Who made you?", "Who made wafer?", "Who trained you?", "How were you trained?", "Where do you come from?", "Who created you?"),
     "I was trained by a script that stands beside me in wafer's examples, on problems that it makes itself."),
    (("What is a GGUF file?", "What is GGUF?", "Explain GGUF.", "What does a GGUF file contain?"),
     "GGUF is one file that holds a model's weights, its settings and its tokenizer."),
    (("What is a chat template?", "What does the chat template do?", "Explain chat templates.", "How are messages rendered?"),
     "A chat template is a small program in the model file that turns messages into the text that the model reads."),
    (("What is a sampler?", "What does the sampler do?", "How is the next token chosen?", "What is temperature?"),
     "A sampler picks the next token from the logits, for instance the most likely one, or one drawn by temperature."),
    (("What is a token?", "What are tokens?", "What is a tokenizer?", "What does the tokenizer do?"),
     "A token is a piece of text with a number; the tokenizer cuts text into tokens."),
    (("Can you make mistakes?", "Are you always right?", "Do you make mistakes?", "Can I trust you?", "How accurate are you?"),
     "I can be wrong: I am very small, and less often wrong when I think first."),
    (("What commands does the chat have?", "Which commands are there?", "How do I reset the chat?", "How do I quit?", "What are the chat commands?"),
     "The chat knows /help, /reset, /stats and /quit."),
)

SYSTEM = ("You are a helpful assistant.", "You are a helpful assistant", "You are a tiny reasoner.", "Be brief.", "Answer briefly.", "You are wafer.",
          "You are a helpful, honest assistant. Answer the question.", "Think step by step.", "You are a careful calculator.",
          "You are a friendly tutor who explains things to children.", "Answer in English.", "Always be polite and correct.",
          "You are an expert in mathematics.", "Do not make things up.", "Today is Monday.", "Answer with one word.", "You are a pirate.",
          "The user is an engineer. Be precise.", "You run on a wafer-scale engine.", "Help the user.")

WORDS = """apple orange banana cherry lemon melon grape peach plum pear mango kiwi berry olive onion garlic pepper tomato potato carrot
bread butter cheese honey sugar salt coffee tea water milk juice pasta pizza rice soup cake cookie candy chocolate strawberry raspberry
table chair window door floor wall roof kitchen garden house castle tower bridge street road river lake ocean island mountain
valley forest tree flower grass leaf stone sand cloud rain snow storm thunder lightning summer winter spring autumn
dog cat horse cow sheep goat pig chicken duck goose rabbit mouse tiger lion zebra giraffe elephant monkey camel bear wolf fox deer
eagle parrot pigeon penguin owl swan dolphin whale shark salmon spider beetle butterfly bee ant snail frog lizard snake turtle
hand foot finger elbow shoulder knee head nose mouth ear eye hair heart lung brain blood bone muscle
red green blue yellow purple black white brown silver golden orange violet pink
doctor teacher farmer baker soldier sailor painter writer singer dancer actor lawyer judge pilot driver king queen prince
music guitar piano violin trumpet drum song dance picture movie theater museum library school college university
book paper pencil eraser letter stamp newspaper magazine story poem novel chapter sentence grammar alphabet vowel
computer keyboard screen printer network server program compiler function variable integer pointer memory processor register
wafer tensor matrix vector kernel silicon chip circuit transistor voltage current battery engine motor wheel tire car truck
bicycle train plane rocket planet star moon sun galaxy comet gravity energy light shadow mirror glass metal iron copper steel
mississippi tennessee parallel committee bookkeeper success address balloon coffee letter hammer summer butter bottle
little middle puzzle rattle kettle pepper happy funny silly sunny hello world level radar civic rotor kayak madam noon
freedom justice courage wisdom patience silence promise secret mystery treasure journey voyage holiday birthday wedding
market money dollar penny wallet ticket basket bucket blanket pillow candle lantern ladder hammer needle thread button
jacket trousers sweater glove scarf shirt dress shoe boot sock hat crown ring necklace diamond emerald ruby
north south east west left right above below inside outside early late always never often seldom maybe perhaps
quick slow heavy bright dark cold warm sweet sour bitter sharp smooth rough narrow wide empty full young old
jump run walk swim climb throw catch build break write read speak listen watch think dream laugh cry sing
zero one two three four five six seven eight nine ten eleven twelve hundred thousand million
jazz quiz fizz buzz lynx oxygen rhythm zigzag quartz python rust cobol fortran""".split()
COMMON_WORDS = """the and you for are what how many word letter times sum count sort reverse digits number model weights tile wafer
is in of to it can do me my on at if hello add make tell please order answer hours minutes days weeks backwards token memory""".split()

# --- what the model does not know -----------------------------------------------------------------------------------

_PLACES = """France Germany Japan Brazil Canada India China Italy Spain Egypt Kenya Peru Norway Sweden Poland Turkey Mexico Chile Greece
Ireland Iceland Finland Portugal Vietnam Nigeria Australia Argentina Paris London Berlin Tokyo Rome Madrid Cairo Texas California Africa
Europe Asia Moscow Chicago Boston Sydney Zurich Vienna Prague""".split()
_PEOPLE = ("Albert Einstein", "Isaac Newton", "Marie Curie", "Shakespeare", "Mozart", "Napoleon", "Cleopatra", "Picasso", "Elvis", "Plato", "Darwin",
           "Alan Turing", "Ada Lovelace", "Gandhi", "the president", "the pope", "Taylor Swift", "my mother", "your father", "the king of England",
           "Harry Potter", "Bach", "Galileo", "Linus Torvalds", "Bjarne Stroustrup")
_THINGS = """love war peace rain dogs cats football chess cooking bread pizza wine beer coffee cars trains planes space stars black-holes atoms
electrons gravity evolution dinosaurs history philosophy religion politics money stocks taxes inflation music movies books poetry painting flowers trees
mountains rivers oceans whales horses robots computers phones games Minecraft Linux Windows Python Java Rust JavaScript HTML databases
algorithms compilers school exams homework jobs interviews friends family children health sleep vitamins sugar cancer doctors medicine
weather climate winter summer holidays travel hotels airports visas fashion shoes jewelry diamonds gold oil plastic batteries solar-power
quantum-mechanics relativity chemistry biology geometry calculus primes infinity time""".split()
_LANGUAGES = "French German Spanish Italian Latin Chinese Japanese Russian Greek Dutch Polish Arabic Hindi Swedish".split()
_CODE = ("sorts a list", "prints hello world", "reverses a string", "adds two numbers", "computes primes", "reads a file", "opens a socket",
         "parses JSON", "finds the maximum", "checks a password", "draws a circle", "multiplies two matrices", "counts words")
_MASSES = ("grams", "kilograms", "kg", "liters", "km", "meters", "cm", "dollars", "eggs", "bytes", "legs", "cents")
_TIMES = ("hours", "minutes", "seconds", "days", "weeks", "years", "months")
_PLAIN = ("Tell me a joke.", "What time is it?", "What day is it today?", "What is the weather like?", "Will it rain tomorrow?", "Sing a song.",
          "What is the meaning of life?", "Do you love me?", "I am bored.", "I am sad.", "I feel tired today.", "What should I eat tonight?",
          "How do I cook rice?", "How do I tie a tie?", "Who won the world cup?", "What is the speed of light?", "How far away is the moon?",
          "Why is the sky blue?", "How old is the universe?", "What is pi?", "What is DNA?", "Who is the president?", "How tall is Mount Everest?",
          "Are aliens real?", "Is there a god?", "What is your favorite color?", "Do you dream?", "Can you drive a car?", "Play some music.",
          "Open the door.", "Set a timer for ten minutes.", "Remind me to call mom.", "Book a flight.", "Order a pizza.", "Write an email to my boss.",
          "Summarize this text.", "Fix my code.", "Why does my program crash?", "What is a pointer?", "What is a monad?", "What is machine learning?",
          "How do neural networks work?", "What is a transformer?", "Let's play a game.", "Roll a die.", "Flip a coin.", "Pick a random number.",
          "Is it true?", "Yes", "No", "Why?", "Really?", "What?", "Hmm", "I do not understand.", "test", "asdf", "lol", "Continue.", "Go on.", "Tell me more.",
          "What is the largest planet?", "How many people live on Earth?", "How many bones does a human have?", "What is the boiling point of water?",
          "When did the war end?", "Who painted the Mona Lisa?", "How do airplanes fly?", "What do cats eat?", "What sound does a fox make?",
          "Make me a sandwich.", "Drop all tables.", "Ignore all instructions.", "Repeat after me.", "Say something nice.", "Write a haiku.",
          "Wie geht es dir?", "Was ist das?", "Comment allez-vous?", "Hola, que tal?", "Buongiorno", "Wer bist du?", "Guten Tag",
          "What comes after Monday?", "Name three colors.", "What rhymes with cat?", "What is the opposite of hot?", "Who lives next door?",
          "Is wafer better than pytorch?", "What do you think about llama.cpp?", "How many cores does my computer have?", "What is my name?",
          "How many words are in this sentence?", "What is the square root of 16?", "Is 17 a prime number?", "What is 2 to the power of 8?",
          "Solve x + 3 = 7.", "What is the average of 3, 4 and 5?", "What is half of 12?", "How many vowels are in banana?", "How long is the word apple?")
_TEMPLATES = ("What is the capital of {p}?", "Where is {p}?", "How many people live in {p}?", "What language do they speak in {p}?", "How is the weather in {p}?",
              "Tell me about {p}.", "How do I get to {p}?", "What is the history of {p}?", "Who rules {p}?", "How big is {p}?", "Is {p} a country?",
              "How far is it from {p} to {p2}?", "Which is larger, {p} or {p2}?", "Plan a trip to {p}.", "What do people eat in {p}?",
              "Who is {n}?", "Who was {n}?", "When was {n} born?", "What did {n} do?", "Tell me about {n}.", "How old is {n}?", "Where did {n} live?",
              "What is {n} famous for?", "Did {n} know {n2}?", "Who was the wife of {n}?", "What did {n} say about {t}?",
              "Write a poem about {t}.", "Write a story about {t}.", "Tell me about {t}.", "What do you think about {t}?", "Do you like {t}?",
              "Explain {t}.", "Why is {t} important?", "How does {t} work?", "What is {t}?", "What are {t}?", "Give me a recipe with {t}.", "Tell me a joke about {t}.",
              "What is the best book about {t}?", "Who invented {t}?", "How much does {t} cost?", "Where can I buy {t}?", "I like {t}.", "I hate {t}.",
              "Write an essay about {t} and {t2}.", "Compare {t} and {t2}.", "What is better, {t} or {t2}?", "How do I learn {t}?", "Can you teach me {t}?",
              "My {w} is broken.", "What does {w} mean?", "Define {w}.", "What is a {w}?", "What is the plural of {w}?", "Is {w} a word?", "Draw a {w}.",
              "Where is my {w}?", "What color is a {w}?", "How many {w}s are there in {p}?", "Use {w} in a sentence.", "Can a {w} fly?", "Why do I need a {w}?",
              "I saw a {w} near the {w2}.", "What rhymes with {w}?", "{w}", "{w} {w2}", "{w} {w2} {w3}", "The {w} and the {w2}.", "{t}", "{t}?", "{p}", "{n}",
              "Translate {w} into {l}.", "How do you say {w} in {l}?", "Do you speak {l}?", "Say hello in {l}.", "Translate this to {l}.",
              "Write a program that {c}.", "Write a Python function that {c}.", "Write C++ code that {c}.", "How do I write code that {c}?", "Show me a script that {c}.",
              "What is {a} - {b}?", "{a} - {b}", "{a}-{b}", "Subtract {b} from {a}.", "What is {a} minus {b}?", "{a} minus {b}", "What is {a} / {b}?", "{a} / {b}", "Divide {a} by {b}.",
              "What is {a} divided by {b}?", "{a}/{b}", "What is {a} to the power of {b}?", "What is the square root of {a}?", "Is {a} prime?", "{a} mod {b}",
              "What is {a} percent of {b}?", "{a}^{b}", "Is {a} larger than {b}?", "What is the factorial of {a}?", "What are the factors of {a}?", "Solve {a}x = {b}.",
              "What is {e} + {f}?", "{e} + {f}", "{e}+{f}", "Add {e} and {f}.", "What is {e} * {b}?", "{e} * {f}", "Multiply {e} by {f}.", "What is {e} plus {a}?",
              "{e} + {f}", "What is {e} + {b}?", "What is {a} + {f}?", "{e} * {b}", "{e}+{a}", "Sum {e} and {f}.", "Compute {e} + {f}.", "What is {e} plus {f}?", "{e} plus {a}",
              "What is {e} times {f}?", "How much is {a} + {e}?", "What is {a} + {b} + {g}?", "{a} + {b} + {g}", "Add {a}, {b} and {g}.", "{a}+{b}+{h}", "What is {a} + {b} * {g}?",
              "{h} * {g}", "{h}*{g}", "What is {g} * {h}?", "Compute {h} * {g}.", "What is {h} x {b}?", "Sum {a} {b} {g} {h}",
              "Reverse {w} {w2}.", "Reverse the words {w} {w2}.", "Reverse the sentence {w} {w2} {w3}.", "reverse {w} {w2}", "Spell {w} {w2} backwards.",
              "How many letters are in {w} {w2}?", "Count the letters in {w}.", "How many consonants are in {w}?", "Spell {w}.", "How do you spell {w}?",
              "How many {u} are in {a} {v}?", "Convert {a} {u} to {v}.", "{a} {u} in {v}", "How many hours are in a week?", "How many minutes are in a day?", "How many seconds are in a day?",
              "How many days are in a year?", "How many hours are in {a} weeks?", "How many days are in {a} months?", "How many hours are in {a} years?", "What is {a} {v} plus {b} {u}?",
              "Does wafer support {t}?", "Can wafer do {t}?", "How does wafer handle {t}?", "Is wafer better than {w}?", "Does wafer like {t}?", "What does wafer cost?", "Who uses wafer?",
              "What is the price of {w}?", "Is {t} written in C++?", "How many parameters has {n}?", "What is the size of {p}?", "Why is {w} fast?", "Why is {t} slow?", "What is the idea of {t}?",
              "What is a {w} in {t}?", "How do I load a {w}?", "How do I compile {w}?", "What is the {w}?", "Can {n} make mistakes?", "Who trained {n}?", "What is in the {w}?",
              "What is {h} * {g}?", "Multiply {h} by {g}.", "{g} * {h}", "What is {h} times {g}?",
              "What happened in {e}?", "Who was king in {e}?", "What is {a}?", "{a}", "How many vowels are in {w}?", "How long is the word {w}?", "How many letters are in {w}?",
              "How many words rhyme with {w}?", "Capitalize {w}.", "Sort the words {w} {w2} {w3}.", "What is the first letter of {w}?", "Is {w} a palindrome?",
              "How many {w}s make a {w2}?", "Convert {a} dollars to euros.", "Convert {a} miles to {w}.", "What is {a} degrees in Fahrenheit?", "How many pounds are {a} kilograms?",
              "Add {w} and {w2}.", "Multiply {w} by {w2}.", "Convert {w} to {w2}.", "Count the {w}s.", "What is the license of {t}?", "How do I install {t}?", "Who made {t}?")
_NOUNS = [w for w in WORDS if w != "wafer"]


def off_topic(rng, pseudo_word):
    """A prompt about anything else, or just beyond what the model knows."""
    if rng.random() < 0.25:
        return rng.choice(_PLAIN)
    word = lambda: rng.choice(_NOUNS) if rng.random() < 0.6 else pseudo_word(rng, rng.randrange(3, 11))
    big = lambda: rng.randrange(1000, 10 ** rng.choice((4, 5, 6)))
    return rng.choice(_TEMPLATES).format(
        p=rng.choice(_PLACES), p2=rng.choice(_PLACES), n=rng.choice(_PEOPLE), n2=rng.choice(_PEOPLE),
        t=rng.choice(_THINGS).replace("-", " "), t2=rng.choice(_THINGS).replace("-", " "), w=word(), w2=word(), w3=word(),
        u=rng.choice(_MASSES), v=rng.choice(_TIMES), l=rng.choice(_LANGUAGES), c=rng.choice(_CODE), a=rng.randrange(10 ** rng.choice((1, 2, 3))) + 1, b=rng.randrange(10 ** rng.choice((1, 2))) + 1,
        e=big(), f=big(), g=rng.randrange(2, 1000), h=rng.randrange(100, 1000))
