#!/usr/bin/perl

# Hundreds of hibernated devices send records that are broken, cut, repeated or
# swapped, authentic records of any content, floods of KeyUpdate, noise.  A
# device that did nothing wrong stays, any other is closed.  Devices that send
# nothing do not notice, and no worker ends.
#
# PIMAP_SEED repeats a run.

use strict;
use warnings;

use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Records qw(ALERT HANDSHAKE DATA);
use Pimap::Tls;

use constant { ROUNDS => $ENV{PIMAP_VALGRIND} ? 3 : 16, CROWD => 26,
    WITNESSES => 4, STALLS => 32, FLOOD => 70 };

my $seed = $ENV{PIMAP_SEED} // time() * 1000 % 2 ** 31;
my @suites = Pimap::Records->suites();

my $t = Pimap->new(workers => 2, mode => 'pimap_hibernate on;',
    http => 'pimap_max_devices_per_account 100;');
my $uid = 0;

$t->plan(7);
$t->run();
$t->wait_ready();
srand($seed);
diag("PIMAP_SEED=$seed");

# Devices that must not notice.

my @witnesses = map { $t->park('witness', transport => $_) }
    qw(http https http https);

$_->read_until(qr/: parked\n.*\n\n/) for @witnesses;
$t->subscribed('witness', 1);

my @workers = sort($t->workers());
my $before = $t->status()->{ends};

sub noise { return join('', map { chr(rand(256)) } 1 .. $_[0]) }
sub line { return $_[0]{records}->seal(DATA, "\n") }

sub update {
    my ($c, $n, $request) = @_;
    return map { $c->{records}->key_update($request) } 1 .. $n;
}

# The bytes that each kind of client sends, in parts that are written one by
# one.  The first kinds are harmless; the server has to close "wrong" kinds;
# for the last kinds, the bytes decide.  (An event in between resets the count
# of the server: a flood is more than twice its limit.)

my %kinds = (
    'byte by byte' => sub { split(//, line($_[0])) },
    'key updates' => sub { update($_[0], 1 + rand(STALLS - 1), 0) },
    'key updates, asked for' => sub { update($_[0], 1 + rand(STALLS - 1), 1) },
    'key updates at once' => sub { join('', update($_[0], 20, rand(2)),
        line($_[0])) },
    'padding' => sub { $_[0]{records}->seal(DATA, "\n", rand(4000)) },

    'wrong: a flood of key updates' => sub { update($_[0], FLOOD, rand(2)) },
    'wrong: a bit' => sub {
        my $record = line($_[0]);
        vec($record, 40 + rand(8 * (length($record) - 5)), 1) ^= 1;
        return $record;
    },
    'wrong: repeated' => sub { (line($_[0])) x 2 },
    'wrong: swapped' => sub { reverse(line($_[0]), line($_[0])) },
    'wrong: noise behind it' => sub { line($_[0]) . "\x80" . noise(400) },
    'wrong: another type' => sub { $_[0]{records}->seal((0 .. 20, 24 .. 255)
        [rand(253)], noise(rand(100)), rand(50)) },
    'wrong: a handshake' => sub { $_[0]{records}->seal(HANDSHAKE,
        chr(rand(24)) . noise(rand(300))) },
    'wrong: a piece of an update' => sub { $_[0]{records}->seal(HANDSHAKE,
        substr(pack('CCnC', 24, 0, 1, 0), 0, rand(5))) },
    'wrong: an update of no kind' => sub { $_[0]{records}->key_update(2 +
        rand(254)) },
    'wrong: an alert' => sub { $_[0]{records}->seal(ALERT, chr(2) .
        chr(1 + rand(89))) },
    'wrong: only padding' => sub { $_[0]{records}->seal(0, '', rand(100)) },
    'wrong: too long' => sub { "\x17\x03\x03" . pack('n', 16641 +
        rand(40000)) . noise(200) },
    'wrong: data' => sub { $_[0]{records}->seal(DATA, noise(2000)) },

    'cut off' => sub { my $record = line($_[0]);
        substr($record, 0, rand(length($record))) },
    'bits of the head' => sub { my $record = line($_[0]);
        vec($record, rand(40), 1) ^= 1; $record },
    'any alert' => sub { $_[0]{records}->seal(ALERT, noise(rand(4))) },
    'anything authentic' => sub { map { $_[0]{records}->seal(21 + rand(3),
        noise(rand(8)), rand(8)) } 1 .. rand(40) },
    'a head of anything' => sub { "\x17\x03\x03" . noise(2 + rand(300)) },
    'noise' => sub { my $noise = noise(rand(3000));
        unpack('(a' . int(1 + rand(500)) . ')*', $noise) },
    'nothing' => sub { () },
    'everything again' => sub { ($_[0]{first}, line($_[0])) },
);

my (%wrong, $harmless, $alive);

for my $round (1 .. ROUNDS) {
    my @crowd = crowd($round);

    for my $c (shuffle(@crowd)) {
        $c->raw($_) for $kinds{ $c->{kind} }->($c);
    }

    # Each client that stays gets this event, and each witness.

    $t->redis()->publish($_, { event => 'MessageNew', uid => ++$uid })
        for 'crowd', 'witness';

    for my $c (@crowd) {
        judge($c);
        rand(2) < 1 ? $c->close() : abort($c);
    }

    $t->wait_for(sub { $t->status()->{parked} == WITNESSES }, 'the ends');
}

is(join(', ', map { "$_ ($wrong{$_})" } sort(keys(%wrong))), '',
    'each wrong client is closed, each harmless client is not');
is($alive, $harmless, 'each harmless client is served');
is(scalar(grep { join(' ', map { $_->{json}{uid} } $_->events(ROUNDS))
    eq join(' ', map { 2 * $_ } 1 .. ROUNDS) } @witnesses), WITNESSES,
    'other devices got all of their events');

my $status = $t->status();

is($status->{connects}, ROUNDS * CROWD + WITNESSES, 'all were parked');
is($status->{notHibernated}, 0, 'all were hibernated');
is(join(' ', sort($t->workers())), "@workers", 'the workers are the same');
is($status->{ends}{client} + $status->{ends}{error} - $before->{client}
    - $before->{error}, ROUNDS * CROWD, 'each end is counted');


# A client of each kind, parked and hibernated.

sub crowd {
    my @crowd;

    for my $kind (sort(keys(%kinds))) {
        my $suite = $suites[rand(@suites)];
        my $c = Pimap::Tls->connect($t, suite => $suite);

        $c->{kind} = $kind;
        $c->{first} = $c->seal("GET /events?account=crowd HTTP/1.1\r\n"
            . "Host: localhost\r\n\r\n");
        $c->raw($c->{first});
        $c->{records} = Pimap::Records->new($c, $suite, 1);
        push(@crowd, $c);
    }

    $_->read_until(qr/: parked\n.*\n\n/) or die "not parked\n" for @crowd;
    $t->subscribed('crowd');
    $t->wait_for(sub { $t->status()->{devices}{hibernated}
        == CROWD + WITNESSES / 2 }, 'hibernation') or die "not hibernated\n";

    return @crowd;
}

sub judge {
    my ($c) = @_;

    my $kind = $c->{kind};

    if ($kind =~ /^wrong/) {
        $wrong{"$kind: goes on"}++ if !defined $c->ending();

    } elsif ($kind =~ /byte by byte|^key|padding|nothing/) {
        $harmless++;
        $c->read_until(qr/"uid":@{[ $uid - 1 ]}\D/) ? $alive++
            : $wrong{"$kind: " . ($c->ending(0) // 'nothing comes')}++;
    }
}

sub shuffle { return map { $_->[1] } sort { $a->[0] <=> $b->[0] }
    map { [rand(), $_] } @_ }

sub abort {
    setsockopt($_[0]{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    $_[0]->close();
}
