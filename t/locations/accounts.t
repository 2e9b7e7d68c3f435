#!/usr/bin/perl

# An operator sees the devices of an account in all workers, page by page, and
# ends one of them. The device is told to come back, and the log names the
# operator's address.

use strict;
use warnings;
no warnings qw(portable);      # numbers of 64 bits

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 3, mode => '');

$t->nginx()->ways();
$t->nginx()->{locations} .= <<'END';
        location = /accounts {
            allow 127.0.0.1;
            deny all;
            pimap_accounts;
        }
        location = /page.html { ssi on; }
END

mkdir($t->dir() . '/html');
$t->write_file($t->dir() . '/html/page.html',
    'before <!--# include virtual="/accounts?account=alice" --> after');

$t->plan(51);
$t->run();
$t->wait_ready();

# the name of a device, its worker, and as for park(); the time of its request
# gives the order
my @parked = (
    ['asleep', 0, path => '/asleep', transport => 'https'],
    ['h2', 0, path => '/held', transport => 'h2c'],
    ['socket', 1],
    ['poll', 1, query => 'format=json&wait=60'],
    ['lines', 2, query => 'format=ndjson'],
    ['', 2, path => '/held'],
);

my @workers = $t->workers();
my $before = time();
my %device = map { $_->[0] => parked(@$_) } @parked;

$t->subscribed('alice', 3);
$t->wait_for(sub { $t->status()->{parked} == 6 }, 'six devices');

my $id = $t->redis()->log('alice', { event => 'MessageNew', uid => 1 });

for (['asleep'], ['h2'], ['']) {
    is($device{$_->[0]}->event()->{id}, $id,
        "device \"$_->[0]\" has the event");
}

$t->wait_for(sub { $t->status()->{parked} == 5 }, 'the end of the poll');


# All of them.

my $got = get('account=alice');
my @list = @{ $got->{devices}{list} };
my %by = map { $_->{device} => $_ } @list;
my ($nameless) = grep { /^~/ } keys(%by);

is($got->{account}, 'alice', 'the account');
is_deeply($got->{workers}, { asked => 3, answered => 3 }, 'all workers');
is($got->{devices}{count}, 5, 'the number of devices');
is($got->{devices}{here}, 5, 'the same number by the zone');
is($got->{devices}{moving}, 0, 'no worker receives devices');
ok(!exists($got->{devices}{next}), 'there are no more');
is_deeply([map { $_->{device} =~ s/^~[0-9a-f]+$//r } @list],
    ['asleep', 'h2', 'socket', 'lines', ''], 'in the order of their requests');
is(join(' ', map { $_->{id} } @list),
    join(' ', sort(map { $_->{id} } @list)), 'the order of their ids');
is($by{asleep}{transport}, 'hibernated', 'a hibernated device');
is($by{h2}{transport}, 'held-h2', 'a device by HTTP/2');
like($by{socket}{transport}, qr/^(?:detached|held-h1)$/, 'a WebSocket');
is($by{$nameless}{transport}, 'held-h1', 'a device without a name');
like(join(' ', map { $by{$_}{format} } qw(asleep socket lines)),
    qr/^sse websocket(?:-deflate)? ndjson$/, 'formats');
is(join(' ', map { $_->{address} } @list), join(' ', ('127.0.0.1') x 5),
    'addresses');
is(join(' ', map { $_->{lastEventId} } @list), join(' ', ($id) x 5),
    'the last ids');
is(join(' ', map { $_->{events} } @list), '1 1 1 1 1', 'numbers of events');
cmp_ok($by{asleep}{bytes}, '>', 40, 'bytes');
is($by{asleep}{unsent}, 0, 'no bytes are unsent');
like($by{asleep}{since}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    'the time of its request');
cmp_ok(hex(substr($by{asleep}{id}, 0, 16) =~ s/^0+//r) / 1e6, '>=', $before,
    'the id begins with that time');


# Pages.

my ($after, @pages) = ('');

for (1 .. 4) {
    my $page = get("account=alice&devices=2$after");

    is($page->{devices}{count}, 5, "page $_ has the number of all")
        if $_ < 4;
    push(@pages, map { $_->{device} } @{ $page->{devices}{list} });

    my $next = $page->{devices}{next} // last;
    $after = "&after=$next";
}

is(join(' ', @pages), join(' ', map { $_->{device} } @list),
    'the pages are the whole list');
is_deeply(get('account=alice&devices=0&events=0')->{devices},
    { count => 5, here => 5, moving => 0, list => [] },
    'no devices, but their number');

my @zoe = map { parked($_, 0, account => 'zoe') } qw(a b c);

$t->subscribed('zoe');
is(get('account=zoe&devices=2')->{devices}{next},
    get('account=zoe')->{devices}{list}[1]{id}, 'a page of one worker');


# Other accounts, other ways to ask.

is_deeply(get('account=bob'), { account => 'bob',
    workers => { asked => 0, answered => 0 },
    devices => { count => 0, here => 0, moving => 0, list => [] },
    log => { list => [] } }, 'an unknown account');
is_deeply(get('account=%22%5C%C3%A9')->{account}, "\"\\\x{e9}",
    'a name with odd characters');

for my $transport (qw(h2 h2c https)) {
    is(get('account=alice', transport => $transport)->{devices}{count}, 5,
        "$transport: the same");
}

like($t->get('/page.html')->{body}, qr/^before\ \{"account":"alice",.*
    "count":5,.*\}\n\ after$/xs, 'in another page');

my $head = $t->request('HEAD', '/accounts?account=alice', close => 1);

is($head->status(), 200, 'HEAD');
cmp_ok($head->header('Content-Length'), '>', 500, '    with a length');


# An end.

my $s = $device{asleep};

is_deeply(end('asleep'), { account => 'alice', device => 'asleep',
    ended => 1, workers => { asked => 3, answered => 3 } },
    'a device is ended');
ok($s->ended(), '    in good order');
like($s->{body}, qr/^retry: \d+$/m, '    it is told to come back');
like(join("\n", $t->log_lines(qr/pimap ended 1 responses of device "asleep"/)),
    qr/of account "alice" for an operator; 3 of 3 .*client: 127\.0\.0\.1/,
    '    the log names the address');
ok($t->wait_for(sub { $t->log() =~ /reason="operator"\ account="alice"
    \ device="asleep"/x }, 'line'), '    the device has its line');
is($t->status()->{ends}{operator}, 1, '    it is counted');

is(end('socket')->{ended}, 1, 'a WebSocket is ended');
is($device{socket}->closing(), '1001 come back', '    it is told so');
is(end($nameless)->{ended}, 1, 'a device without a name is ended');
ok($device{''}->ended(), '    in good order');
is(status(DELETE => 'account=alice&device=asleep'), 404,
    'a device that is gone: 404');
is(status(DELETE => 'account=bob&device=h2'), 404,
    'the device of another account: 404');
is(get('account=alice')->{devices}{count}, 2, 'the others stay');

my $phone = parked('asleep', 0, path => '/asleep', transport => 'https');
is(get('account=alice')->{devices}{count}, 3, 'it may come back');


sub parked {
    my ($name, $worker, %set) = @_;

    my $account = delete $set{account} // 'alice';

    $set{query} = join('&', $set{query} // (), $name ? "device=$name" : ());

    return $t->nginx()->only($workers[$worker], sub {
        if ($name eq 'socket') {
            my $w = $t->websocket($account, %set);
            $w->json();
            return $w;
        }

        my $s = $t->park($account, %set);
        $s->read_until(qr/parked/) if $name ne 'poll';
        return $s;
    });
}


# A slow worker may miss the second that a question lasts: then it is repeated.

sub get {
    my ($query, %set) = @_;
    my $got;

    $t->wait_for(sub {
        $got = $t->get("/accounts?$query", %set)->{json} // {};
        ($got->{workers}{asked} // -1) == ($got->{workers}{answered} // -2);
    }, "all answers: $query");

    return $got;
}


sub status {
    my ($method, $query) = @_;
    return $t->request($method, "/accounts?$query", close => 1)->status();
}


sub end {
    my ($name) = @_;

    my $body = $t->request('DELETE', "/accounts?account=alice&device=$name",
        close => 1)->body();

    return eval { JSON::PP->new()->utf8()->decode($body) } // {};
}
