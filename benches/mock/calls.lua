-- Calls to the mock, for wrk. mock.py sets these environment variables: CALLS_DELAY_MS, the pause
-- between calls on a connection; CALLS_USERSIG; CALLS_MIXED=1 to include every kind of wrong call.

local usersig = os.getenv("CALLS_USERSIG") or "any"
local pause = tonumber(os.getenv("CALLS_DELAY_MS") or "0")
local mixed = os.getenv("CALLS_MIXED") == "1"

local RECALL = "/v4/group_open_http_svc/delete_group_msg_by_sender"
local GROUP_INFO = "/v4/group_open_http_svc/get_group_info"
local GROUPS = {"@TGS#2C5SZEAEF", "@TGS#37AG6FAEC", "@TGS#1NVTZEAE4", "@TGS#2J4SZEAEL"}

if pause > 0 then
  function delay()
    return pause
  end
end

local function call(path, app, body, headers)
  local query = "?sdkappid=" .. app .. "&identifier=administrator&usersig=" .. usersig
    .. "&random=" .. math.random(0, 2147483647) .. "&contenttype=json"
  return wrk.format("POST", path .. query, headers, body)
end

local n = 0

-- Mixes apps, rows and wrong calls, and closes some connections.
local function odd()
  local kind = math.random(1, 100)
  local headers = kind <= 5 and {["Connection"] = "close"} or nil
  local row = '{"GroupId":"' .. GROUPS[math.random(#GROUPS)] .. '","Sender_Account":"user_' .. n .. '"}'
  if kind <= 40 then
    return call(RECALL, 1400000000, row, headers)
  elseif kind <= 60 then
    local group = '{"GroupId":"@TGS#' .. n .. '","Sender_Account":"leckie"}'
    return call(RECALL, 1400000000, group)
  elseif kind <= 75 then
    return call(RECALL, 1500000000 + n, row)
  elseif kind <= 85 then
    return call(GROUP_INFO, 1400000000, '{"GroupIdList":["@TGS#2C5SZEAEF","@TGS#' .. n .. '"]}')
  elseif kind <= 90 then
    return call(RECALL, 1400000000, '{"GroupId":')
  elseif kind <= 95 then
    return call("/v4/group_open_http_svc/" .. n, 1400000000, row)
  end
  return wrk.format("GET", "/mock/seen")
end

function request()
  n = n + 1
  if mixed then
    return odd()
  end
  return call(RECALL, 1400000000, '{"GroupId":"@TGS#2C5SZEAEF","Sender_Account":"user_' .. n .. '"}')
end
