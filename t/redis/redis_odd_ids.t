#!/usr/bin/perl

# An id of Redis is "<epoch>-<n>" without leading zeros, or it is refused: a
# long id does not reach the buffers of the encoders.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

# A library whose functions return what the key "reply" has for them.

my $library = <<'END';
#!lua name=pimap
local function register(name)
    redis.register_function({function_name = name, flags = {'no-writes'},
        callback = function()
            return cjson.decode(redis.call('GET', 'reply'))[name]
        end})
end
register('pimap_version')
register('pimap_last')
register('pimap_read')
register('pimap_post')
END

my $zeros = '0' x 300;
my @odd = ("${zeros}7-1", "7-${zeros}1", '07-1', '7-01', '0-1', '', '0',
    'earliest');
my $event = '{"event":"Odd"}';

my $t = Pimap->new(workers => 1, http => 'pimap_gap_check 0;',
    allow => qr/can't read the log of account|invalid payload/);
my $redis = $t->redis()->start();

$redis->command('FUNCTION', 'LOAD', 'REPLACE', $library);
page('7-1');

$t->plan(3 * @odd + 6);
$t->run();
$t->wait_ready();

my ($pid) = $t->workers();

is(first('ndjson'), 'Odd', 'an id without leading zeros: the event comes');

for my $id (@odd) {
    page($id);

    my $name = length($id) > 20 ? length($id) . ' bytes' : "\"$id\"";

    is(first($_), 'resync', "the id $name in the log: refused, $_")
        for qw(ndjson websocket sse);
}

# An event that is published, and the answer to a publisher.

my $s = $t->websocket('bob');

is($s->json()->{event}, 'parked', 'parked');
# (an event that comes before this would be part of the resync)
is($s->json()->{event}, 'resync', 'the log can not be read');

$redis->publish('bob', "$_ $event") for grep { /-/ } @odd;
$redis->publish('bob', "8-1 $event");
is($s->json()->{id}, '8-1', 'an odd id in the channel: not delivered');

page("${zeros}7-1");
is($t->publish('carol', $event)->{status}, 503,
    'an odd id in the answer to a publisher: an error');
is(($t->workers())[0], $pid, 'the worker lives');


# The log's replies, with an event of this id.

sub page {
    my ($id) = @_;

    $redis->command('SET', 'reply', $t->json({ pimap_version => 1000000,
        pimap_last => '7-1', pimap_read => ['ok', '7-1', $id, $event],
        pimap_post => [$id, 1, 0] }));
}


# The first event of a device that asks for the log.

sub first {
    my ($format) = @_;

    my $s = $format eq 'websocket'
        ? $t->websocket('alice', query => 'last-event-id=0')
        : $t->park('alice', query => "last-event-id=0&format=$format");
    my $got;

    if ($format eq 'sse') {
        $got = $s->event();

    } elsif ($format eq 'websocket') {
        $s->json();
        $got = $s->json();

    } else {
        ($got) = ($s->read_until(qr/"event":"(?:resync|Odd)"/) // '')
            =~ /.*"event":"(\w+)"/s;
        $got = { event => $got };
    }

    $s->close();

    return $got->{event};
}
