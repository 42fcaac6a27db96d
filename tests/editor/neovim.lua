-- What somebody does with a graph file in Neovim; each line of the answers is one thing that came of it.
local function say(what, text)
  vim.fn.writefile({ vim.json.encode({ what, text }) }, vim.env.ANSWERS, "a")
end
local function wait(what, found)
  local last
  local came = vim.wait(20000, function() last = found() return last end, 20)
  say(what, came and last or "nothing comes")
end
local function line(number)
  return vim.api.nvim_buf_get_lines(0, number - 1, number, false)[1]
end
local function press(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), "mx", false)
end

vim.cmd.edit("typed.yaml")
wait("problem", function()
  local found = vim.diagnostic.get(0)[1]
  return found and ("%d:%d %s"):format(found.lnum + 1, found.col + 1, found.message:match("[^\n]*"))
end)

vim.api.nvim_win_set_cursor(0, { 8, 46 })
vim.lsp.buf.code_action({ apply = true })
wait("correction", function() return line(8):find("fusion", 1, true) and line(8) end)
wait("no problem", function() return #vim.diagnostic.get(0) == 0 and "none" end)

vim.api.nvim_win_set_cursor(0, { 7, 3 })
vim.lsp.buf.rename("merged")
wait("rename", function() return line(8):find("merged", 1, true) and line(7) .. line(8) end)

vim.api.nvim_win_set_cursor(0, { 8, 21 })
press("K")
wait("hover", function()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then
      local text = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, 1, false)[1]
      vim.api.nvim_win_close(window, true)
      return text
    end
  end
end)

press("<C-]>")
wait("definition", function()
  local place = vim.api.nvim_win_get_cursor(0)
  return place[1] == 7 and ("line %d"):format(place[1])
end)

vim.api.nvim_win_set_cursor(0, { 9, 0 })
vim.api.nvim_input("A, mer<C-x><C-o>")
local tries = 0
local function listed()
  local items = vim.fn.complete_info({ "items" }).items
  tries = tries + 1
  if #items == 0 and tries < 400 then
    return vim.defer_fn(listed, 50)
  end
  say("completion", vim.tbl_map(function(item) return item.word end, items))
  vim.cmd("qall!")
end
vim.defer_fn(listed, 50)
