#!lua name=bare

-- What pimap_publish has to do, step by step: a log and a message, the right
-- to publish, the time, and what is known of the log.

local steps = {'bench_bare', 'bench_right', 'bench_time', 'bench_known'}

local function call(keys, args, step)
    local channel, now, next = keys[1], '1700000000', '1700000000000-*'

    if step > 1 and not redis.acl_check_cmd('PUBLISH', channel, '') then
        return redis.error_reply('no permission')
    end

    if step > 2 then
        now = redis.call('TIME')[1]
    end

    if step > 3 then
        local known = redis.call('GET', channel .. ':epoch')

        if not known then
            known = next
            redis.call('SET', channel .. ':epoch', known, 'EX', '3000000')
        end

        next = known
    end

    local id = step > 2
        and redis.call('XADD', channel .. ':log', 'MAXLEN', '=', '1000', next,
            'e', args[1], 't', now)
        or redis.call('XADD', channel .. ':log', 'MAXLEN', '=', '1000', '*',
            'e', args[1])

    redis.call('PUBLISH', channel, id .. ' ' .. args[1])

    return id
end

for step = 1, #steps do
    redis.register_function(steps[step], function(keys, args)
        return call(keys, args, step)
    end)
end
