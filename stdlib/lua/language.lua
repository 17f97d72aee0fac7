-- The language of rules in Lua 5.3: what generated files call, loaded once in front of each of them. What the functions mean stands
-- in docs/language.md; what the host gives stands in the table `kestrel`:
--
--   kestrel.values(n)          the values of reading n, a sequence; empty when it is missing
--   kestrel.json(n)            what stands at reading n, a sequence of JSON values (below)
--   kestrel.pattern(n, text)   whether pattern n, or one of its list, matches the whole text
--   kestrel.flag(n)            whether the event's process stands in the relation that lineage query n asks for
--   kestrel.fold(text)         the text without case
--   kestrel.points(text)       how many code points it has
--   kestrel.units(text)        how many UTF-16 units
--   kestrel.int64(digits)      the integer that decimal digits spell; nil when it does not fit 64 bits
--   kestrel.float(decimal)     the float nearest to what a decimal number spells, however long it is
--   kestrel.calculate(op, a, b)  of two integers: + - * / %, the last two towards zero; nil when the result does not fit
--                              64 bits, and for a division by zero
--   kestrel.double(n)          the double nearest to an integer
--   kestrel.equal(a, b)        whether two numbers are equal, exactly
--   kestrel.show(double)       its shortest digits: 1.5, 3, 1e+21, 2.5e-7
--   kestrel.gave_up()          counts a question that tried too many combinations
--
-- Values: a text is a string of UTF-8, a double a float, an integer an integer of Lua or what kestrel.int64 gives beyond it, which
-- compares (<, <=, and == with its like) with every number, exactly, and which tostring writes as digits. A date is nanoseconds since
-- 1970. Null is nil, and spreads: a function of the language gives nil for nil unless it says otherwise.
--
-- No function needs patterns of Lua, which a sandbox may lack.
--
-- JSON values: a string, true, false, kestrel.null, { number = "1.50" }, { array = { … }, size = n } and
-- { keys = { … }, values = { … }, size = n } in document order, where a key may stand twice.

eql = {}

local find, sub, byte = string.find, string.sub, string.byte

-- How many combinations, and elements of nested searches, a question tries; and the bytes of text that count as one more.
local COMBINATIONS = 65536
local BYTES_OF_ONE = 1024

----------------------------------------------------------------------------------------------------------------------
-- Texts

local points, units = kestrel.points, kestrel.units

local function is_ascii(text)
  return points(text) == #text
end

local ZERO, NINE, PLUS, MINUS, DOT, COLON = 48, 57, 43, 45, 46, 58

local function is_digit(code)
  return code ~= nil and code >= ZERO and code <= NINE
end

-- Where the digits that begin at a place end: the place behind the last.
local function digits_end(text, at)
  while is_digit(byte(text, at)) do at = at + 1 end
  return at
end

-- Whether the text is digits and nothing else.
local function is_digits(text)
  return text ~= "" and digits_end(text, 1) > #text
end

local function without_zeros(digits)
  local at = 1
  while byte(digits, at) == ZERO do at = at + 1 end
  return sub(digits, at)
end

-- The parts between dots.
local function split_dots(text)
  local parts, from = {}, 1
  while true do
    local dot = find(text, ".", from, true)
    parts[#parts + 1] = sub(text, from, dot and dot - 1 or -1)
    if not dot then return parts end
    from = dot + 1
  end
end

-- The bytes behind which a text has had so many code points.
local function bytes_of(text, count)
  if is_ascii(text) then return count end
  local at = 0
  while count > 0 and at < #text do
    local first = byte(text, at + 1)
    at = at + (first < 128 and 1 or first < 224 and 2 or first < 240 and 3 or 4)
    count = count - 1
  end
  return at
end

-- The last place where a part stands, 1 the first; nil when there is none.
local function find_last(text, part)
  local found = find(string.reverse(text), string.reverse(part), 1, true)
  return found and #text - found - #part + 2
end

-- A position within a text of that size: a negative one counts from the end, and what lies outside is brought to the nearer end.
local function clamp(position, size)
  if position < 0 then return position < -size and 0 or position + size end
  return position > size and size or position
end

-- A set of texts.
function eql.set(texts)
  local set = {}
  for i = 1, #texts do set[texts[i]] = true end
  return set
end

function eql.fold(text)
  return text and kestrel.fold(text)
end

-- Whether a text is one of `patterns.texts` or matches one of the patterns in the list; `patterns.fold` says that case is ignored
-- among the texts.
function eql.matches(text, patterns)
  if text == nil then return nil end
  local texts = patterns.texts
  if texts and texts[patterns.fold and kestrel.fold(text) or text] then return true end
  for i = 1, #patterns do
    if kestrel.pattern(patterns[i], text) then return true end
  end
  return false
end

function eql.starts_with(text, part)
  if text == nil or part == nil then return nil end
  return sub(text, 1, #part) == part
end

function eql.ends_with(text, part)
  if text == nil or part == nil then return nil end
  return #part <= #text and sub(text, #text - #part + 1) == part
end

-- The empty text is in no text.
function eql.contains(text, part)
  if text == nil or part == nil then return nil end
  return part ~= "" and find(text, part, 1, true) ~= nil
end

-- Lengths and positions count UTF-16 units.
function eql.length(text)
  return text and units(text)
end

-- Where the code point begins that has, or follows, a UTF-16 unit: the bytes and the units before it.
local function place_of(text, unit)
  if is_ascii(text) then return unit, unit end
  local at, passed = 0, 0
  while passed < unit do
    local first = byte(text, at + 1)
    at = at + (first < 128 and 1 or first < 224 and 2 or first < 240 and 3 or 4)
    passed = passed + (first < 240 and 1 or 2)
  end
  return at, passed
end

-- `start` may be nil, and is then 0.
function eql.index_of(text, part, start)
  if text == nil or part == nil then return nil end
  local from = start or 0
  if from > units(text) then return nil end
  if from < 0 then from = 0 end
  if part == "" then return from end
  local at = place_of(text, from)
  local found = find(text, part, at + 1, true)
  return found and units(sub(text, 1, found - 1))
end

-- Half of a pair of units at either end becomes U+FFFD. Without a start the text stays whole.
function eql.substring(text, start, stop)
  if text == nil or start == nil then return text end
  local size = units(text)
  local from = clamp(start, size)
  local to = stop == nil and size or clamp(stop, size)
  if from >= to then return "" end
  local first, before = place_of(text, from)
  local last, behind = place_of(text, to)
  local head = before > from and "\239\191\189" or ""
  if behind == to then return head .. sub(text, first + 1, last) end
  -- The last code point, of four bytes, is cut.
  return head .. (first < last - 4 and sub(text, first + 1, last - 4) or "") .. (before <= to - 1 and "\239\191\189" or "")
end

-- What stands between `left` and the first `right` behind it, or the last when `greedy`.
function eql.between(text, left, right, greedy, fold)
  if text == nil or left == nil or right == nil then return nil end
  if text == "" or left == "" or right == "" then return text end
  local whole = text
  if fold then whole, left, right = kestrel.fold(text), kestrel.fold(left), kestrel.fold(right) end
  local found = find(whole, left, 1, true)
  if not found then return "" end
  local from = found + #left
  local stop
  if greedy then stop = find_last(whole, right) else stop = find(whole, right, from, true) end
  if not stop or stop < from then return "" end
  if not fold then return sub(text, from, stop - 1) end
  -- Folding keeps the number of code points, not that of bytes.
  local first = bytes_of(text, points(sub(whole, 1, from - 1)))
  local last = bytes_of(text, points(sub(whole, 1, stop - 1)))
  return sub(text, first + 1, last)
end

-- The text of a value: a double always shows a point or an exponent.
function eql.string(value)
  if value == nil or type(value) == "string" then return value end
  if math.type(value) ~= "float" then return tostring(value) end
  local text = kestrel.show(value)
  return is_digits(byte(text) == MINUS and sub(text, 2) or text) and text .. ".0" or text
end

-- The texts of `count` values, one behind the other; nil when one has none.
function eql.concat(count, values)
  local texts = {}
  for i = 1, count do
    local text = eql.string(values[i])
    if text == nil then return nil end
    texts[i] = text
  end
  return table.concat(texts)
end

----------------------------------------------------------------------------------------------------------------------
-- Numbers

-- Sign, digits before and behind the point, exponent; nil when the text is no decimal number. A `+` and leading zeros are allowed.
local function read_decimal(text)
  local first = byte(text, 1)
  local at = (first == PLUS or first == MINUS) and 2 or 1
  local stop = digits_end(text, at)
  if stop == at then return nil end
  local sign, whole, fraction, exponent = first == MINUS and "-" or "", sub(text, at, stop - 1), "", "0"
  at = stop
  if byte(text, at) == DOT then
    stop = digits_end(text, at + 1)
    if stop == at + 1 then return nil end
    fraction = sub(text, at + 1, stop - 1)
    at = stop
  end
  if at > #text then return sign, whole, fraction, exponent end
  local letter = byte(text, at)
  if letter ~= 69 and letter ~= 101 then return nil end
  local second = byte(text, at + 1)
  local digits = (second == PLUS or second == MINUS) and at + 2 or at + 1
  stop = digits_end(text, digits)
  if stop == digits or stop <= #text then return nil end
  return sign, whole, fraction, (second == MINUS and "-" or "") .. sub(text, digits)
end

local function finite(double)
  if double ~= double or double == math.huge or double == -math.huge then return nil end
  return double
end

-- The nearest double; nil for what is no number and for what lies beyond the doubles.
local function read_double(text)
  local sign, whole, fraction, exponent = read_decimal(text)
  if not sign then return nil end
  return finite(kestrel.float(sign .. whole .. "." .. fraction .. "0e" .. exponent))
end

-- The value times ten to `shift`, its fraction dropped; nil when it does not fit 64 bits.
local function read_long(text, shift)
  local sign, whole, fraction, exponent = read_decimal(text)
  if not sign then return nil end
  local digits = without_zeros(whole .. fraction)
  if digits == "" then return 0 end
  local before = #digits - #fraction + kestrel.float(exponent) + shift
  if before <= 0 then return 0 end
  if before > 19 then return nil end
  digits = sub(digits, 1, before) .. string.rep("0", before - #digits)
  return kestrel.int64(sign .. digits)
end

-- What a letter counts as a digit; 99 for what is none.
local function digit_of(code)
  if code >= 48 and code <= 57 then return code - 48 end
  if code >= 65 and code <= 90 then return code - 55 end
  if code >= 97 and code <= 122 then return code - 87 end
  return 99
end

-- No number of 64 bits has more digits, and no double.
local MOST_DIGITS_OF_LONG, MOST_DIGITS = 64, 1100
local LIMB_DIGITS, LIMB = 6, 1000000

-- The decimal digits of a whole number in another base, whose digits are valid; nil when it has more than `most`.
local function to_decimal(digits, base, most)
  digits = without_zeros(digits)
  if #digits > most then return nil end
  if digits == "" then return "0" end
  if base == 10 then return digits end
  local limbs = { 0 }
  for at = 1, #digits do
    local carry = digit_of(byte(digits, at))
    for i = 1, #limbs do
      local sum = limbs[i] * base + carry
      limbs[i], carry = sum % LIMB, sum // LIMB
    end
    if carry > 0 then limbs[#limbs + 1] = carry end
  end
  local parts = {}
  for i = #limbs, 1, -1 do
    local part = tostring(limbs[i])
    parts[#parts + 1] = i == #limbs and part or string.rep("0", LIMB_DIGITS - #part) .. part
  end
  return table.concat(parts)
end

-- Whether all letters are digits in that base, and there is one.
local function are_digits(digits, base)
  for at = 1, #digits do
    if digit_of(byte(digits, at)) >= base then return false end
  end
  return digits ~= ""
end

-- The sign, if it is a minus, and what stands behind any sign.
local function split_sign(text)
  local first = byte(text, 1)
  if first == PLUS then return "", sub(text, 2) end
  if first == MINUS then return "-", sub(text, 2) end
  return "", text
end

-- The whole number that the text spells in a base; it must fit 64 bits.
function eql.number_in_base(text, base)
  if text == nil or base == nil or base < 2 or base > 36 then return nil end
  local sign, digits
  if base == 16 and sub(text, 1, 2) == "0x" then sign, digits = "", sub(text, 3)
  else sign, digits = split_sign(text) end
  if not are_digits(digits, base) then return nil end
  local decimal = to_decimal(digits, base, MOST_DIGITS_OF_LONG)
  return decimal and kestrel.int64(sign .. decimal)
end

-- The double that the text spells, in base 10 or, where no base is given or 0 is, behind `0x` in base 16.
function eql.number(text, base)
  if text == nil then return nil end
  if (base == nil or base == 0) and sub(text, 1, 2) == "0x" then
    local value = eql.number_in_base(text, 16)
    return value and kestrel.double(value)
  end
  return read_double(text)
end

function eql.to_number(text)
  return text and read_double(text)
end

local function is_float(value)
  return math.type(value) == "float"
end

function eql.double(value)
  if value == nil or is_float(value) then return value end
  return kestrel.double(value)
end

local function calculate_doubles(op, a, b)
  if op == "+" then return a + b end
  if op == "-" then return a - b end
  if op == "*" then return a * b end
  if b == 0 then return nil end
  if op == "/" then return a / b end
  return math.fmod(a, b)
end

-- Two integers give an integer, or nil when it does not fit; anything with a double gives a double.
function eql.calculate(op, a, b)
  if a == nil or b == nil then return nil end
  if is_float(a) or is_float(b) then return calculate_doubles(op, eql.double(a), eql.double(b)) end
  return kestrel.calculate(op, a, b)
end

-- A set of integers; those that Lua has no integer for are known by their digits.
function eql.integers(list)
  local set = {}
  for i = 1, #list do set[math.type(list[i]) and list[i] or tostring(list[i])] = true end
  return set
end

function eql.is_integer_of(value, set)
  return set[math.type(value) and value or tostring(value)] ~= nil
end

----------------------------------------------------------------------------------------------------------------------
-- Comparisons. Texts are ordered by their bytes, which is the order of code points.

function eql.equal(a, b)
  if a == nil or b == nil then return nil end
  return a == b
end

function eql.less(a, b)
  if a == nil or b == nil then return nil end
  return a < b
end

function eql.less_or_equal(a, b)
  if a == nil or b == nil then return nil end
  return a <= b
end

-- `==` with sides that no event decides: where one of them turns out null, it asks whether the other is null as well.
function eql.equal_or_absent(a, b, fixed, equal)
  local absent = (fixed ~= "right" and a == nil) or (fixed ~= "left" and b == nil)
  if absent then return a == nil and b == nil end
  return equal(a, b)
end

-- Whether the text is made of letters, digits, `-` and dots, and no dot stands at an end or beside another.
local function are_identifiers(text)
  local before = DOT
  for at = 1, #text do
    local code = byte(text, at)
    if code == DOT and before == DOT then return false end
    if code ~= DOT and code ~= MINUS and digit_of(code) == 99 then return false end
    before = code
  end
  return before ~= DOT
end

local function has_leading_zero(digits)
  return #digits > 1 and byte(digits) == ZERO and is_digits(digits)
end

-- major, minor, patch and the pre-release of a semantic version.
local function read_version(text)
  local core, at = {}, 1
  for i = 1, 3 do
    local stop = digits_end(text, at)
    if stop == at or (i < 3 and byte(text, stop) ~= DOT) then return nil end
    core[i] = sub(text, at, stop - 1)
    if has_leading_zero(core[i]) then return nil end
    at = i < 3 and stop + 1 or stop
  end
  local prerelease = ""
  local build = find(text, "+", at, true)
  if byte(text, at) == MINUS then
    prerelease = sub(text, at + 1, build and build - 1 or -1)
    if not are_identifiers(prerelease) then return nil end
    at = at + 1 + #prerelease
  end
  if at <= #text and (at ~= build or not are_identifiers(sub(text, at + 1))) then return nil end
  local identifiers = prerelease == "" and {} or split_dots(prerelease)
  for i = 1, #identifiers do
    if has_leading_zero(identifiers[i]) then return nil end
  end
  return core, identifiers
end

-- Of two texts of digits without leading zeros.
local function compare_digits(a, b)
  if #a ~= #b then return #a < #b and -1 or 1 end
  return a < b and -1 or a > b and 1 or 0
end

local function compare_identifiers(a, b)
  local x, y = is_digits(a), is_digits(b)
  if x and y then return compare_digits(a, b) end
  if x ~= y then return x and -1 or 1 end
  return a < b and -1 or a > b and 1 or 0
end

-- Below, at or above 0. Texts that are no versions are compared as texts.
local function compare_versions(a, b)
  local left, before = read_version(a)
  local right, behind = read_version(b)
  if not left or not right then return a < b and -1 or a > b and 1 or 0 end
  for i = 1, 3 do
    local order = compare_digits(left[i], right[i])
    if order ~= 0 then return order end
  end
  if #before == 0 or #behind == 0 then return (#before == 0 and 1 or 0) - (#behind == 0 and 1 or 0) end
  for i = 1, math.min(#before, #behind) do
    local order = compare_identifiers(before[i], behind[i])
    if order ~= 0 then return order end
  end
  return #before - #behind
end

-- The order of two versions, to be compared with 0.
function eql.version_order(a, b)
  if a == nil or b == nil then return nil end
  return compare_versions(a, b)
end

----------------------------------------------------------------------------------------------------------------------
-- Addresses: 4 or 16 bytes, or nil.

local function read_four(text)
  -- No address is longer.
  if #text > 15 then return nil end
  local bytes = split_dots(text)
  if #bytes ~= 4 then return nil end
  for i = 1, 4 do
    local part = bytes[i]
    if not is_digits(part) or #part > 3 or has_leading_zero(part) or tonumber(part) > 255 then return nil end
    bytes[i] = tonumber(part)
  end
  return bytes
end

-- Adds the groups of one side of `::`; the last may be an address of four bytes.
local function read_groups(text, may_end_in_four)
  local bytes = {}
  if text == "" then return bytes end
  local from = 1
  while true do
    local colon = find(text, ":", from, true)
    local group = sub(text, from, (colon or 0) - 1)
    if #group <= 4 and are_digits(group, 16) then
      local value = tonumber(group, 16)
      bytes[#bytes + 1], bytes[#bytes + 2] = value // 256, value % 256
    else
      local four = may_end_in_four and not colon and read_four(group)
      if not four then return nil end
      for i = 1, 4 do bytes[#bytes + 1] = four[i] end
    end
    if not colon then return bytes end
    from = colon + 1
  end
end

local function read_six(text)
  if #text > 45 then return nil end
  local gap = find(text, "::", 1, true)
  if not gap then
    local bytes = text ~= "" and read_groups(text, true)
    return bytes and #bytes == 16 and bytes or nil
  end
  if find(text, "::", gap + 1, true) then return nil end
  local head, tail = read_groups(sub(text, 1, gap - 1), false), read_groups(sub(text, gap + 2), true)
  -- The gap stands for at least one group of zeros.
  if not head or not tail or #head + #tail > 14 then return nil end
  for _ = 1, 16 - #head - #tail do head[#head + 1] = 0 end
  for i = 1, #tail do head[#head + 1] = tail[i] end
  return head
end

local function read_address(text)
  if find(text, ":", 1, true) then return read_six(text) end
  return read_four(text)
end

-- Ranges as they are written, such as "10.0.0.0/8".
function eql.ranges(texts)
  local ranges = {}
  for i = 1, #texts do
    local slash = find(texts[i], "/", 1, true)
    ranges[i] = { bytes = read_address(sub(texts[i], 1, slash - 1)), prefix = tonumber(sub(texts[i], slash + 1)) }
  end
  return ranges
end

local function is_within(address, range)
  local bytes, left = range.bytes, range.prefix
  if #bytes ~= #address then return false end
  for i = 1, #bytes do
    if left <= 0 then return true end
    local step = left >= 8 and 1 or 2 ^ (8 - left)
    if address[i] // step ~= bytes[i] // step then return false end
    left = left - 8
  end
  return true
end

-- Whether a text is an address in one of the ranges.
function eql.in_ranges(text, ranges)
  if text == nil then return nil end
  local address = read_address(text)
  if not address then return false end
  for i = 1, #ranges do
    if is_within(address, ranges[i]) then return true end
  end
  return false
end

-- Whether two texts are the same address, or, where one is none, the same text.
function eql.addresses_equal(a, b)
  if a == nil or b == nil then return nil end
  local x, y = read_address(a), read_address(b)
  if not x or not y or #x ~= #y then return a == b end
  for i = 1, #x do
    if x[i] ~= y[i] then return false end
  end
  return true
end

----------------------------------------------------------------------------------------------------------------------
-- Logic of three values. Of `count` operands one that decides (false in `and`, true in `or`) wins over null, null over the rest. An
-- operand may be a function, which is only called when none before it decides.

local function join(decisive, count, operands)
  local unknown = false
  for i = 1, count do
    local operand = operands[i]
    if type(operand) == "function" then operand = operand() end
    if operand == decisive then return decisive end
    if operand == nil then unknown = true end
  end
  if unknown then return nil end
  return not decisive
end

function eql.all(count, operands)
  return join(false, count, operands)
end

function eql.any(count, operands)
  return join(true, count, operands)
end

function eql.negate(value)
  if value == nil then return nil end
  return not value
end

----------------------------------------------------------------------------------------------------------------------
-- Questions about all values of a reading

-- Whether some value passes the test.
function eql.some(values, test)
  for i = 1, #values do
    if test(values[i]) then return true end
  end
  return false
end

-- Whether some value is that text; in `is_folded`, up to case, where `text` is folded.
function eql.is(values, text)
  for i = 1, #values do
    if values[i] == text then return true end
  end
  return false
end

function eql.is_folded(values, text)
  for i = 1, #values do
    if kestrel.fold(values[i]) == text then return true end
  end
  return false
end

-- Whether some value is in the set; in `is_one_folded`, up to case, where the texts of the set are folded.
function eql.is_one_of(values, set)
  for i = 1, #values do
    if set[values[i]] then return true end
  end
  return false
end

function eql.is_one_folded(values, set)
  for i = 1, #values do
    if set[kestrel.fold(values[i])] then return true end
  end
  return false
end

-- Whether a combination of one value of each list makes the test true; of an empty list nil takes part. `all` gets the values in one
-- table.
local function combine(lists, all, test)
  local count = #lists
  local chosen = {}
  local tried = 0
  local gave_up = false
  local function choose(depth)
    if depth > count then
      if count > 1 then
        tried = tried + 1
        for i = 1, count do
          if type(chosen[i]) == "string" then tried = tried + #chosen[i] // BYTES_OF_ONE end
        end
        if tried > COMBINATIONS then
          gave_up = true
          return false
        end
      end
      if all then return test(chosen) == true end
      return test(table.unpack(chosen, 1, count)) == true
    end
    local list = lists[depth]
    for i = 1, math.max(#list, 1) do
      chosen[depth] = list[i]
      if choose(depth + 1) then return true end
      if gave_up then return false end
    end
    return false
  end
  local found = choose(1)
  if gave_up then kestrel.gave_up() end
  return found
end

function eql.combine(lists, test)
  return combine(lists, false, test)
end

function eql.combine_all(lists, test)
  return combine(lists, true, test)
end

----------------------------------------------------------------------------------------------------------------------
-- Elements of arrays. All searches inside of one question take a number of steps together; a question that needs more is not met.

local steps_left = 0

local function take_step()
  steps_left = steps_left - 1
  return steps_left >= 0
end

-- Everything that is neither an array nor null, arrays inside arrays opened.
local function gather(value, found)
  if type(value) == "table" and value.array then
    for i = 1, value.size do gather(value.array[i], found) end
  elseif value ~= kestrel.null then
    found[#found + 1] = value
  end
end

-- The elements of what stands at a reading.
function eql.elements(values)
  local found = {}
  for i = 1, #values do gather(values[i], found) end
  return found
end

-- Calls `visit` for every value at a dotted name below a value; dots in keys part names as well. `path` is nil at the beginning.
local function visit_below(value, name, path, visit)
  if (path or "") == name then return visit(value) end
  if type(value) ~= "table" then return end
  if value.array then
    for i = 1, value.size do visit_below(value.array[i], name, path, visit) end
  elseif value.keys then
    for i = 1, value.size do
      local below = path and path .. "." .. value.keys[i] or value.keys[i]
      if below == name or sub(name, 1, #below + 1) == below .. "." then
        visit_below(value.values[i], name, below, visit)
      end
    end
  end
end

-- The elements of what stands at a name below an element.
function eql.elements_below(element, name)
  local found = {}
  visit_below(element, name, nil, function(value) gather(value, found) end)
  return found
end

local DAYS_BEFORE = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 }
local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_leap(year)
  return (year % 4 == 0 and year % 100 ~= 0) or year % 400 == 0
end

-- How many leap days there are before the first of a year.
local function leap_days(year)
  local before = year - 1
  return before // 4 - before // 100 + before // 400
end

-- The number that so many digits at a place spell; nil when others stand there.
local function number_at(text, at, count)
  local stop = at + count
  for i = at, stop - 1 do
    if not is_digit(byte(text, i)) then return nil end
  end
  return tonumber(sub(text, at, stop - 1))
end

-- Minutes east of Greenwich; nil when the text is no zone.
local function read_zone(zone)
  if zone == "" or zone == "Z" or zone == "z" then return 0 end
  local sign, hours, minutes = byte(zone), number_at(zone, 2, 2), 0
  if not hours or (sign ~= PLUS and sign ~= MINUS) then return nil end
  if #zone > 3 then
    local at = byte(zone, 4) == COLON and 5 or 4
    minutes = number_at(zone, at, 2)
    if not minutes or #zone ~= at + 1 then return nil end
  end
  if hours > 23 or minutes > 59 then return nil end
  local offset = hours * 60 + minutes
  return sign == MINUS and -offset or offset
end

-- The time of day and what follows it, behind the date: hour, minute, second, digits of the fraction, zone.
local function read_time(text)
  if text == "" then return 0, 0, 0, "", "" end
  local first = byte(text)
  local hour, minute = number_at(text, 2, 2), number_at(text, 5, 2)
  if (first ~= 84 and first ~= 116 and first ~= 32) or not hour or not minute or byte(text, 4) ~= COLON then return nil end
  local second, at, fraction = 0, 7, ""
  if byte(text, 7) == COLON then
    second, at = number_at(text, 8, 2), 10
    if not second then return nil end
    local mark = byte(text, 10)
    local stop = digits_end(text, 11)
    if (mark == DOT or mark == 44) and stop > 11 then fraction, at = sub(text, 11, stop - 1), stop end
  end
  return hour, minute, second, fraction, sub(text, at)
end

-- The nanoseconds since 1970 that ISO 8601 spells; nil for other texts.
local function read_date(text)
  local year, month, day = number_at(text, 1, 4), number_at(text, 6, 2), number_at(text, 9, 2)
  if not year or not month or not day or byte(text, 5) ~= MINUS or byte(text, 8) ~= MINUS then return nil end
  local hour, minute, second, fraction, zone = read_time(sub(text, 11))
  if not hour then return nil end
  local offset = read_zone(zone)
  if not offset or month < 1 or month > 12 or hour > 23 or minute > 59 or second > 59 then return nil end
  local leap = is_leap(year)
  if day < 1 or day > DAYS[month] + (leap and month == 2 and 1 or 0) then return nil end
  local days = (year - 1970) * 365 + leap_days(year) - leap_days(1970) + DAYS_BEFORE[month] + day - 1
  if leap and month > 2 then days = days + 1 end
  -- A float, which is exact, so that it does not matter how long this Lua's own integers are.
  local seconds = days * 86400.0 + hour * 3600 + (minute - offset) * 60 + second
  local nanoseconds = sub(fraction .. "000000000", 1, 9)
  if seconds >= 0 or nanoseconds == "000000000" then return kestrel.int64(kestrel.show(seconds) .. nanoseconds) end
  local back = tostring(1000000000 - tonumber(nanoseconds))
  local whole = kestrel.show(-seconds - 1)
  return kestrel.int64("-" .. (whole == "0" and "" or whole) .. string.rep("0", 9 - #back) .. back)
end

local function text_of(value)
  if type(value) == "table" then return value.number end
  return tostring(value)
end

-- A value that is neither null, array nor object, read as a type of the schema; nil for what the type cannot take.
local READ = {
  keyword = text_of,
  ip = text_of,
  version = text_of,
  long = function(value)
    if type(value) == "boolean" then return nil end
    return read_long(text_of(value), 0)
  end,
  double = function(value)
    if type(value) == "boolean" then return nil end
    return read_double(text_of(value))
  end,
  boolean = function(value)
    if type(value) == "boolean" then return value end
    if value == "true" then return true end
    if value == "false" then return false end
    return nil
  end,
  date = function(value)
    if type(value) == "string" then return read_date(value) end
    if type(value) == "boolean" then return nil end
    return read_long(value.number, 6)
  end,
}

-- Whether something other than null, {} and [] stands at a dotted name or below it.
local function is_present(value, name, path)
  if type(value) ~= "table" then return (path or "") == name and value ~= kestrel.null end
  if value.array then
    for i = 1, value.size do
      if is_present(value.array[i], name, path) then return true end
    end
    return false
  end
  local is_there = (path or "") == name
  if not value.keys then return is_there end
  if is_there then return value.size > 0 end
  for i = 1, value.size do
    local below = path and path .. "." .. value.keys[i] or value.keys[i]
    if sub(below, 1, #name + 1) == name .. "." then return true end
    if below == name or sub(name, 1, #below + 1) == below .. "." then
      if is_present(value.values[i], name, below) then return true end
    end
  end
  return false
end

-- The values of an element, or of a name below it, read as a type; of an `object` one value says that it is there.
function eql.read(element, name, as)
  local values = {}
  if as == "object" then
    if is_present(element, name, nil) then values[1] = true end
    return values
  end
  local read = READ[as]
  visit_below(element, name, nil, function(value)
    local found = {}
    gather(value, found)
    for i = 1, #found do
      if type(found[i]) ~= "table" or found[i].number then
        local value_read = read(found[i])
        if value_read ~= nil then values[#values + 1] = value_read end
      end
    end
  end)
  return values
end

-- Whether one of the elements passes the test: a search that stands in no other.
function eql.search(elements, test)
  steps_left = COMBINATIONS
  local found = false
  for i = 1, #elements do
    found = test(elements[i])
    if found or steps_left < 0 then break end
  end
  if steps_left >= 0 then return found end
  kestrel.gave_up()
  return false
end

-- The same of a search inside another.
function eql.search_inside(elements, test)
  for i = 1, #elements do
    if not take_step() then return false end
    if test(elements[i]) then return true end
  end
  return false
end

----------------------------------------------------------------------------------------------------------------------
-- The endgame dialect. Values are texts, booleans, numbers, and arrays and objects as JSON values; their types are known only here.
-- Texts are compared without case, and positions count code points.

-- A JSON value as a value: null is nil, an integer that does not fit 64 bits a float, and a number beyond the floats nil.
local function data(value)
  if value == kestrel.null then return nil end
  if type(value) ~= "table" or not value.number then return value end
  local text = value.number
  if not find(text, ".", 1, true) and not find(text, "e", 1, true) and not find(text, "E", 1, true) then
    local integer = kestrel.int64(text)
    if integer ~= nil then return integer end
  end
  return read_double(text)
end

local function is_list(value)
  return type(value) == "table" and value.array ~= nil
end

local function is_dict(value)
  return type(value) == "table" and value.keys ~= nil
end

local function is_number(value)
  return value ~= nil and type(value) ~= "string" and type(value) ~= "boolean" and not is_list(value) and not is_dict(value)
end

-- What a path leads to from a value: names, and indexes from 0. A name behind a text asks whether the text is that name.
function eql.follow(value, ...)
  for i = 1, select("#", ...) do
    local step = select(i, ...)
    if type(step) == "string" then
      if type(value) == "string" then
        value = kestrel.fold(value) == kestrel.fold(step)
      elseif is_dict(value) then
        local found = nil
        for k = 1, value.size do
          if value.keys[k] == step then
            found = data(value.values[k])
            break
          end
        end
        value = found
      else
        return nil
      end
    elseif is_list(value) and step < value.size then
      value = data(value.array[step + 1])
    else
      return nil
    end
    if value == nil then return nil end
  end
  return value
end

-- What a path leads to from the root of the event. Of a repeated key the first counts.
function eql.field(reading, ...)
  local first = kestrel.json(reading)[1]
  if first == nil then return nil end
  return eql.follow(data(first), ...)
end

function eql.truth(value)
  if value == nil or type(value) == "boolean" then return value end
  if type(value) == "string" then return value ~= "" end
  if is_list(value) or is_dict(value) then return value.size > 0 end
  return value ~= 0
end

-- Whether two values are one key: texts up to case, 1 and 1.0 and true alike, arrays as a whole, an object and null.
local function same(a, b)
  if is_dict(a) then a = nil end
  if is_dict(b) then b = nil end
  if a == nil or b == nil then return a == nil and b == nil end
  if type(a) == "string" or type(b) == "string" then
    return type(a) == type(b) and kestrel.fold(a) == kestrel.fold(b)
  end
  if is_list(a) or is_list(b) then
    if not is_list(a) or not is_list(b) or a.size ~= b.size then return false end
    for i = 1, a.size do
      if not same(data(a.array[i]), data(b.array[i])) then return false end
    end
    return true
  end
  if type(a) == "boolean" then a = a and 1 or 0 end
  if type(b) == "boolean" then b = b and 1 or 0 end
  return kestrel.equal(a, b)
end

function eql.data_equal(a, b)
  if a == nil or b == nil then return nil end
  if type(a) == "string" and type(b) == "string" then return kestrel.fold(a) == kestrel.fold(b) end
  if type(a) == "boolean" and type(b) == "boolean" then return a == b end
  if is_number(a) and is_number(b) then return kestrel.equal(a, b) end
  if is_list(a) and is_list(b) then return same(a, b) end
  return nil
end

local ORDERS = {
  ["<"] = function(a, b) return a < b end,
  ["<="] = function(a, b) return a <= b end,
  [">"] = function(a, b) return b < a end,
  [">="] = function(a, b) return b <= a end,
}

function eql.data_order(op, a, b)
  local order = ORDERS[op]
  if type(a) == "string" and type(b) == "string" then return order(kestrel.fold(a), kestrel.fold(b)) end
  if type(a) == "boolean" and type(b) == "boolean" then return order(a and 1 or 0, b and 1 or 0) end
  if is_number(a) and is_number(b) then return order(a, b) end
  return nil
end

-- Whether a value is among constants: folded texts in `constants.texts`, the others in the list.
function eql.data_in(value, constants)
  if value == nil then return nil end
  if type(value) == "string" then return constants.texts[kestrel.fold(value)] ~= nil end
  if is_list(value) or is_dict(value) then return false end
  for i = 1, #constants do
    if same(value, constants[i]) then return true end
  end
  return false
end

-- nil for what is no text.
function eql.data_matches(value, pattern)
  if type(value) ~= "string" then return nil end
  return kestrel.pattern(pattern, value)
end

-- False for what is no text.
function eql.data_in_ranges(value, ranges)
  return type(value) == "string" and eql.in_ranges(value, ranges)
end

-- Division rounds down, and a remainder has the sign of its divisor. What does not fit 64 bits is a float; what is not finite is nil.
function eql.data_calculate(op, a, b)
  if not is_number(a) or not is_number(b) then return nil end
  if (op == "/" or op == "%") and b == 0 then return nil end
  if not is_float(a) and not is_float(b) then
    local exact = kestrel.calculate(op, a, b)
    if op == "/" or op == "%" then
      local rest = kestrel.calculate("%", a, b)
      local against = rest ~= 0 and (rest < 0) ~= (b < 0)
      if op == "%" then exact = against and kestrel.calculate("+", rest, b) or rest
      elseif exact ~= nil and against then exact = kestrel.calculate("-", exact, 1) end
    end
    if exact ~= nil then return exact end
  end
  local x, y = eql.double(a), eql.double(b)
  if op ~= "%" then return finite(calculate_doubles(op, x, y)) end
  local rest = math.fmod(x, y)
  if rest == 0 then return y < 0 and -0.0 or 0.0 end
  return finite((rest < 0) ~= (y < 0) and rest + y or rest)
end

-- The digits of a float as Python writes them: with an exponent from 1e16 on and below 0.0001.
local function float_text(value)
  local sign = (value < 0 or 1 / value < 0) and "-" or ""
  if value == 0 then return sign .. "0.0" end
  local shown = kestrel.show(math.abs(value))
  local e = find(shown, "e", 1, true)
  local mantissa = e and sub(shown, 1, e - 1) or shown
  local dot = find(mantissa, ".", 1, true) or #mantissa + 1
  local digits = sub(mantissa, 1, dot - 1) .. sub(mantissa, dot + 1)
  -- The power of ten of the first digit that is not 0.
  local power = dot - 2 + (e and tonumber(sub(shown, byte(shown, e + 1) == PLUS and e + 2 or e + 1)) or 0)
  local significant = without_zeros(digits)
  power = power - (#digits - #significant)
  local last = #significant
  while byte(significant, last) == ZERO do last = last - 1 end
  digits = sub(significant, 1, last)
  if power < -4 or power >= 16 then
    local behind = #digits > 1 and "." .. sub(digits, 2) or ""
    local size = tostring(math.abs(power))
    return sign .. sub(digits, 1, 1) .. behind .. "e" .. (power < 0 and "-" or "+") .. (#size < 2 and "0" or "") .. size
  end
  if power < 0 then return sign .. "0." .. string.rep("0", -power - 1) .. digits end
  local before = sub(digits, 1, power + 1)
  local behind = sub(digits, power + 2)
  return sign .. before .. string.rep("0", power + 1 - #before) .. "." .. (behind == "" and "0" or behind)
end

-- Arrays and objects have no text.
function eql.data_string(value)
  if value == nil or type(value) == "string" then return value end
  if is_list(value) or is_dict(value) then return nil end
  if is_float(value) then return float_text(value) end
  return tostring(value)
end

function eql.data_concat(count, values)
  local texts = {}
  for i = 1, count do
    local text = eql.data_string(values[i])
    if text == nil then return nil end
    texts[i] = text
  end
  return table.concat(texts)
end

local function are_texts(a, b)
  return type(a) == "string" and type(b) == "string"
end

function eql.data_starts_with(text, part)
  if not are_texts(text, part) then return nil end
  return eql.starts_with(kestrel.fold(text), kestrel.fold(part))
end

function eql.data_ends_with(text, part)
  if not are_texts(text, part) then return nil end
  return eql.ends_with(kestrel.fold(text), kestrel.fold(part))
end

-- False for what is no text.
function eql.data_contains(text, part)
  if not are_texts(text, part) then return false end
  return find(kestrel.fold(text), kestrel.fold(part), 1, true) ~= nil
end

function eql.data_between(text, left, right, greedy)
  if not are_texts(text, left) or type(right) ~= "string" then return nil end
  local whole = kestrel.fold(text)
  local before, behind = kestrel.fold(left), kestrel.fold(right)
  local found = find(whole, before, 1, true)
  if not found then return nil end
  local from = found + #before
  local stop
  if greedy == true then stop = find_last(whole, behind) else stop = find(whole, behind, from, true) end
  if not stop or stop < from then return nil end
  local first = bytes_of(text, points(sub(whole, 1, from - 1)))
  local last = bytes_of(text, points(sub(whole, 1, stop - 1)))
  return sub(text, first + 1, last)
end

local function is_integer_or_nil(value)
  return value == nil or (is_number(value) and not is_float(value))
end

function eql.data_index_of(text, part, start)
  if not are_texts(text, part) or not is_integer_or_nil(start) then return nil end
  local whole = kestrel.fold(text)
  local size = points(whole)
  local from = start or 0
  if from > size then return nil end
  from = clamp(from, size)
  local found = find(whole, kestrel.fold(part), bytes_of(whole, from) + 1, true)
  return found and points(sub(whole, 1, found - 1))
end

function eql.data_length(value)
  if type(value) == "string" then return points(value) end
  if is_list(value) then return value.size end
  if not is_dict(value) then return nil end
  local known, count = {}, 0
  for i = 1, value.size do
    if not known[value.keys[i]] then
      known[value.keys[i]] = true
      count = count + 1
    end
  end
  return count
end

function eql.data_substring(text, start, stop)
  if type(text) ~= "string" or not is_integer_or_nil(start) or not is_integer_or_nil(stop) then return nil end
  local size = points(text)
  local from = clamp(start or 0, size)
  local to = stop == nil and size or clamp(stop, size)
  if from >= to then return "" end
  return sub(text, bytes_of(text, from) + 1, bytes_of(text, to))
end

-- The whole number of digits in a base; a float when it does not fit 64 bits.
local function whole_number(sign, digits, base)
  local decimal = to_decimal(digits, base, MOST_DIGITS)
  if not decimal then return nil end
  local integer = kestrel.int64(sign .. decimal)
  if integer ~= nil then return integer end
  return read_double(sign .. decimal)
end

function eql.data_number(text, base)
  if type(text) ~= "string" or not is_integer_or_nil(base) then return nil end
  local dot = find(text, ".", 1, true)
  if dot and not find(text, ".", dot + 1, true) and (base == nil or base == 10) then
    local sign, rest = split_sign(text)
    -- The reader of decimals wants digits on both sides of the point.
    dot = find(rest, ".", 1, true)
    local stop = digits_end(rest, dot + 1)
    if dot == 1 and stop == 2 then return nil end
    return read_double(sign .. "0" .. sub(rest, 1, stop - 1) .. "0" .. sub(rest, stop))
  end
  if sub(text, 1, 2) == "0x" and (base == nil or base == 16) then
    local digits = sub(text, 3)
    return are_digits(digits, 16) and whole_number("", digits, 16) or nil
  end
  local sign, digits = split_sign(text)
  local radix = (base == nil or base == 0) and 10 or base
  if not is_digits(digits) or radix < 2 or radix > 36 or not are_digits(digits, radix) then return nil end
  return whole_number(sign, digits, radix)
end

-- Whether the array holds one of `count` values; nil when it is no array.
function eql.data_array_contains(array, count, values)
  if not is_list(array) then return nil end
  for i = 1, array.size do
    local element = data(array.array[i])
    for k = 1, count do
      if same(element, values[k]) then return true end
    end
  end
  return false
end

-- How many elements of an array pass the test; none of what is no array. `once` stops at the first.
local function count_elements(array, test, once)
  local count = 0
  if not is_list(array) then return count end
  for i = 1, array.size do
    if not take_step() then return count end
    if test(data(array.array[i])) == true then
      count = count + 1
      if once then return count end
    end
  end
  return count
end

function eql.data_search(array, test)
  return count_elements(array, test, true) > 0
end

function eql.data_count(array, test)
  return count_elements(array, test, false)
end

-- Whether a condition with searches counts as true: they take their steps together.
function eql.within_steps(condition)
  steps_left = COMBINATIONS
  local truth = condition() == true
  if steps_left >= 0 then return truth end
  kestrel.gave_up()
  return false
end
