#!/usr/bin/perl

# An operator sees the last events of an account, the newest one first, and
# turns pages back. An answer has a limited size, and an entry that is no event
# says so.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Accounts;
use Pimap::Page;

my $t = Pimap->new();
my $redis = $t->redis();

Pimap::Accounts->new(t => $t);

$t->plan(34);
$t->run();
$t->wait_ready();

my @ids = map { $redis->log('alice', { event => 'MessageNew', uid => $_ }) }
    1 .. 25;

my $log = get('alice')->{log};

is_deeply([map { $_->{event}{uid} } @{ $log->{list} }], [reverse(16 .. 25)],
    'the last ten events');
is_deeply([map { $_->{id} } @{ $log->{list} }], [reverse(@ids[15 .. 24])],
    'with their ids');
like($log->{list}[0]{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    'with their times');
is($log->{next}, $ids[15], 'there are older events');

my ($before, @uids) = ('');

for (1 .. 4) {
    my $page = get('alice', "events=9$before")->{log};

    push(@uids, map { $_->{event}{uid} } @{ $page->{list} });
    is(@{ $page->{list} }, $_ < 3 ? 9 : 7, "page $_");

    my $next = $page->{next} // last;
    $before = "&before=$next";
}

is("@uids", join(' ', reverse(1 .. 25)), 'the pages have all events, once');

for ([25, 25], [24, 24, 'more'], [100, 25], [7, 7, 'more'], [6, 6, 'more'],
    [1, 1, 'more'])
{
    my ($asked, $n, $more) = @$_;
    my $page = get('alice', "events=$asked")->{log};

    is(@{ $page->{list} } . ' ' . ($page->{next} ? 'more' : ''),
        "$n " . ($more // ''), "$asked events asked for");
}

ok(!exists(get('alice', 'events=0')->{log}), 'no events asked for');
is_deeply(get('alice', 'before=1-1')->{log}, { list => [] },
    'before the first event');
is_deeply(get('bob')->{log}, { list => [] }, 'an account without a log');

# The text goes to the operator as it was published.

my $odd = '{"event":"X","n":0.10,"text":"\\u00e9 \\" ✉"}';
$redis->log('carol', $odd);
like($t->get('/accounts?account=carol')->{body}, qr/"event":\Q$odd\E\}/,
    'the text of an event is the publisher\'s');

# Entries that are no events

$redis->command('XADD', 'pimap:{dan}', '5-1', 'e', '[1]', 't', 'soon');
$redis->command('XADD', 'pimap:{dan}', '5-2', 'e', '{"event":"X"');
$redis->command('XADD', 'pimap:{dan}', '5-3', 'e', '{"event":"'
    . 'x' x 70000 . '"}', 't', 1);
$redis->command('XADD', 'pimap:{dan}', '5-4', 'z', 'a', 'e',
    '{"event":"X"}', 't', 1);

my @entries = @{ get('dan')->{log}{list} };

is_deeply($entries[0], { id => '5-4', time => '1970-01-01T00:00:01Z',
    event => { event => 'X' } }, 'another order of the fields');

for (1 .. 3) {
    ok($entries[$_]{error} && !$entries[$_]{event},
        "entry 5-@{[ 4 - $_ ]} is no event: an error");
}

$redis->command('XADD', 'pimap:{eve}', '5-1', 'x', 'y');
is(get('eve')->{log}{error}, 'unexpected reply', 'an entry without a text');

$redis->command('SET', 'pimap:{fred}', 'text');
like(get('fred')->{log}{error}, qr/^WRONGTYPE /, 'a key of another type');

# A limited size

$redis->log('greg', { event => 'X', text => 'x' x 60000 }) for 1 .. 20;

my $large = get('greg', 'events=20')->{log};

is(@{ $large->{list} }, 5, 'large events: the page ends after 256 kB');
is($large->{next}, $large->{list}[-1]{id}, '    with the place to go on');
is(@{ get('greg', "events=20&before=$large->{next}")->{log}{list} }, 5,
    '    the next page');

$redis->log('hal', { event => 'X', text => 'x' x 1000000 }) for 1 .. 10;
is(scalar(grep { $_->{error} } @{ get('hal', 'events=10')->{log}{list} }), 1,
    'events of a megabyte are too large, one at a time');
ok($t->ready(), 'the connection to Redis is up');

# Rights

my ($rights) = map { $_->{text} =~ /^user pimap on \S+ (.*)/m }
    Pimap::Page->new($t->root(), 'docs/install.md')->blocks('redis');

$redis->command(qw(ACL SETUSER admin on >secret ~* &* +@all));
my $admin = $redis->connect();
$admin->command(qw(AUTH admin secret));

$admin->command(qw(ACL SETUSER default), split(' ', $rights));
is(get('alice', 'events=1')->{log}{list}[0]{event}{uid}, 25,
    'the rights of install.md are enough');
$admin->command(qw(ACL SETUSER default -xrevrange));
like(get('alice')->{log}{error}, qr/^NOPERM /, 'without a right: an error');
is(get('alice')->{workers}{asked}, 0, '    and the rest of the answer');
$admin->command(qw(ACL SETUSER default -publish));
like($t->get('/accounts?account=alice')->{json}{detail},
    qr/Redis refuses to ask the workers/, 'without PUBLISH: a reason');
ok($t->log_lines(qr/account "alice": Redis answers PUBLISH with "NOPERM/),
    '    and a line of the log');


# Redis may miss the second that a question lasts: then it is repeated.

sub get {
    my ($account, $query) = @_;
    my $got;

    $t->wait_for(sub {
        $got = $t->get("/accounts?account=$account&" . ($query // ''))->{json}
            // {};
        ($got->{log} && $got->{log}{error} // '') !~ /not answered in time/;
    }, 'an answer of Redis');

    return $got;
}
