-- An encoded command that downloads something or opens a shell. What a pattern over the command line cannot see is in the base64,
-- so it is decoded, and what it holds is looked at: again as a command line, for there are often two layers.

local COMMAND_LINE = kestrel.fields["process.command_line"]
local ARGS = kestrel.fields["process.args"]

-- Lines of resources/regexes.txt.
local IS_ENCODED = 0
local IS_HARMFUL = 1

-- A shorter run of these characters is a word.
local SHORTEST = 16
-- Three layers of this cost half of the fuel that there is.
local LONGEST = 8192
local MOST_LAYERS = 3

-- The six bits that a character of base64 stands for, by its byte.
local BITS = {}
do
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  for i = 1, #alphabet do BITS[alphabet:byte(i)] = i - 1 end
end

-- The bytes of a base64 text. PowerShell's are UTF-16, little-endian: their zero bytes are left out.
local function decode(text)
  local bytes = {}
  local bits, held = 0, 0
  for i = 1, #text do
    bits = (bits << 6 | BITS[text:byte(i)]) & 0xffff
    held = held + 6
    if held >= 8 then
      held = held - 8
      local byte = bits >> held & 0xff
      if byte ~= 0 then bytes[#bytes + 1] = string.char(byte) end
    end
  end
  return table.concat(bytes)
end

-- The runs of base64 in a text that are long enough to be a command.
local function encodedParts(text)
  local parts = {}
  local start = nil
  for i = 1, math.min(#text, LONGEST) + 1 do
    if BITS[text:byte(i)] ~= nil and i <= LONGEST then
      start = start or i
    elseif start ~= nil then
      if i - start >= SHORTEST then parts[#parts + 1] = text:sub(start, i - 1) end
      start = nil
    end
  end
  return parts
end

local function commandLine(event)
  local line = kestrel.event_get_str(event, COMMAND_LINE)
  if line ~= nil then return line end
  local words = {}
  for i = 0, kestrel.event_count(event, ARGS) - 1 do words[#words + 1] = kestrel.event_get_str_at(event, ARGS, i) end
  return table.concat(words, " ")
end

-- The harmful command that a command line hides, and in how many layers; nil when it hides none.
local function hidden(line, layer)
  if layer > MOST_LAYERS or not kestrel.re_match(IS_ENCODED, line) then return nil end
  for _, part in ipairs(encodedParts(line)) do
    local command = decode(part)
    if kestrel.re_match(IS_HARMFUL, command) then return command, layer end
    local inner, layers = hidden(command, layer + 1)
    if inner ~= nil then return inner, layers end
  end
  return nil
end

function pred_eval(event)
  return hidden(commandLine(event), 1) ~= nil
end

function pred_capture(event)
  local command, layers = hidden(commandLine(event), 1)
  return { command = command:sub(1, 200), layers = layers }
end
