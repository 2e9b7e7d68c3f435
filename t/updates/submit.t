#!/usr/bin/perl

# A device sends an update on its own connection: it is added to the stream
# once, and answered there.  Its result comes back there, also to a device
# without a name, and after a hand-over.  Bad updates are refused by name.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

# a device with TLS that does not hibernate cannot be handed over

my @places = (['http', '/events', 1], ['https', '/awake', 0],
    ['https', '/asleep', 1]);

my $t = Pimap->new(workers => 2, http => 'pimap_max_update 1000;'
    . 'pimap_max_queued_updates 100;');
$t->nginx()->{locations} .= <<'END';
        location = /awake {
            pimap_account $arg_account;
            pimap_hibernate off;
            pimap_events;
        }

        location = /asleep {
            pimap_account $arg_account;
            pimap_hibernate on;
            pimap_events;
        }

        location = /off {
            pimap_account $arg_account;
            pimap_updates off;
            pimap_events;
        }
END
$t->plan(10 * @places + 10 + 24);
$t->run();
$t->wait_ready();

my $redis = $t->redis();

for (@places) {
    my ($transport, $path, $moves) = @$_;
    my $account = $transport . ($path =~ s{/}{-}r);
    my @set = ($account, transport => $transport, path => $path);
    my $w = park(@set, query => 'device=phone&types=Quota');
    my $other = park(@set, query => 'device=tablet');
    my $nobody = park(@set);

    $redis->command('DEL', 'pimap:updates');

    say_it($w, '{"id":"a","update":"flags","x":1}');
    is_deeply($w->json(), { event => 'accepted', update => 'a' },
        "$account: an update is accepted");
    is_deeply([entry()], [$account, 'phone', 'a',
        '{"id":"a","update":"flags","x":1}'], '    it is in the stream');

    say_it($w, '{"id":"a","update":"flags","x":1}');
    is($w->json()->{event}, 'accepted', '    sent again, it is accepted');
    is($redis->command('XLEN', 'pimap:updates'), 1,
        '    and is in the stream once');

    say_it($w, '{"id":"a","update":"flags","x":2}');
    is_deeply($w->json(), { event => 'refused', update => 'a',
        detail => 'the id has been used for another update' },
        '    with another text, it is refused');

    result($account, 'phone', 'a');
    is($w->json()->{update}, 'a', '    its result comes');

    # A device without a name.

    say_it($nobody, '{"id":"b","update":"flags"}');
    is($nobody->json()->{event}, 'accepted',
        "$account: a device without a name sends an update");

    my (undef, $address) = entry();

    like($address, qr/^~[0-9a-f]{1,16}$/, '    the device has an address');
    result($account, $address, 'b');
    is($nobody->json()->{device}, $address,
        '    the result comes to that address');

    $redis->publish($account, { event => 'QuotaExceed' });
    is($other->json()->{event}, 'QuotaExceed',
        '    another device gets no result');
    $nobody->json();

    # A device that is handed over.

    next if !$moves;

    say_it($nobody, '{"id":"c","update":"flags"}');
    is($nobody->json()->{update}, 'c', "$account: another update");

    my $taken = $t->status()->{handover}{received};

    $t->reload();
    ok($t->wait_for(sub { $t->status()->{handover}{received}
            >= $taken + 3 }, 'taken'),
        '    the device is handed over');
    result($account, $address, 'c');
    is($nobody->json()->{update}, 'c',
        '    the result comes to the new worker');
    say_it($nobody, '{"id":"d","update":"flags"}');
    is($nobody->json()->{update}, 'd', '    which accepts updates');
    is((entry())[1], $address, '    with the same address');
    $_->close() for $w, $other, $nobody;
}

# Bad updates.

my $w = park('alice', query => 'device=phone');

for (['x', undef, qr/syntax error/], ['{}', undef, qr/"id" is no string/],
    ['{"id":"a b","update":"b"}', undef, qr/character in "id"/],
    ['{"id":"1"}', 1, qr/"update" is no string/],
    ['{"id":"' . 'i' x 128 . '","update":"b c"}', 'i' x 128,
        qr/character in "update"/])
{
    my ($text, $id, $detail) = @$_;

    say_it($w, $text);

    my $answer = $w->json();

    is_deeply([$answer->{event}, $answer->{update}], ['refused', $id],
        'refused: ' . substr($text, 0, 20));
    like($answer->{detail}, $detail, "    $detail");
}

my $off = park('alice', path => '/off');

say_it($off, '{"id":"1","update":"b"}');
is($off->json()->{detail}, 'no updates are taken here',
    'pimap_updates off: refused');

# More updates than may wait for Redis; each is answered.

$redis->pause();
say_it($w, qq({"id":"m$_","update":"b"})) for 1 .. 20;
is($w->json()->{detail}, 'too many updates wait for Redis',
    "update $_ of 20: refused")
    for 17 .. 20;
$redis->resume();
is_deeply([ map { my $a = $w->json(); "$a->{event} $a->{update}" } 1 .. 16 ],
    [ map { "accepted m$_" } 1 .. 16 ],
    'waiting updates are answered in order');

# The device leaves while Redis has not answered.

$redis->pause();
say_it($w, '{"id":"gone","update":"b"}');
ok($t->wait_for(sub { $w->close(); $t->status()->{parked} == 1 },
    'its end'), 'the device leaves');
$redis->resume();
ok($t->wait_for(sub { (entry())[2] eq 'gone' }, 'gone'),
    'the device leaves: the update stays');

# The limit of the stream; Redis is away.

$redis->command(qw(CONFIG SET maxmemory 1));
say_it($off = park('bob'), '{"id":"1","update":"b"}');
is($off->json()->{detail}, 'Redis did not take it', 'Redis has no memory');
$redis->command(qw(CONFIG SET maxmemory 0));

$redis->command(qw(XADD pimap:updates * id x)) for 1 .. 100;
say_it($off, '{"id":"1","update":"b"}');
is($off->json()->{detail}, 'too many updates wait for the backend',
    'the stream is full');

# Redis is lost before it answers: it may have them.

$w = park('carol');
$redis->pause();
say_it($w, qq({"id":"u$_","update":"b"})) for 1 .. 17;
is($w->json()->{update}, 'u17', 'update 17 of 17: refused');
$redis->kill();
is_deeply([ map { my $a = $w->json(); "$a->{event} $a->{update}" } 1 .. 16 ],
    [ map { "unknown u$_" } 1 .. 16 ], 'Redis has not answered: unknown');

$t->wait_away();
say_it($off, '{"id":"1","update":"b"}');
is_deeply([@{ $off->json() }{qw(event detail)}], ['refused', 'Redis is away'],
    'Redis is away: refused');

my $status = $t->status()->{updates};

is_deeply([ map { $status->{$_} > 0 } qw(accepted invalid failed) ],
    [(1) x 3], 'all of these are counted');


sub park {
    my ($account, @set) = @_;

    my $w = $t->websocket($account, @set);

    $w->json();
    $t->subscribed($account);

    return $w;
}


sub say_it { $_[0]->send(frame(TEXT, $_[1])) }


# The newest entry: account, device, id, body.

sub entry {
    my ($entry) = @{ $redis->command(qw(XREVRANGE pimap:updates + -
        COUNT 1)) };
    my %field = $entry ? @{ $entry->[1] } : ();

    return @field{qw(account device id body)};
}


sub result {
    my ($account, $device, $id) = @_;
    $redis->fcall('result', $account, $device, $id, '{"status":"done"}');
}
