#!/usr/bin/perl

# Memory does not grow with the events that devices get, nor with the devices
# that come and go.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { EVENTS => 20_000, CYCLES => 2000, BATCH => 250, SLACK => 256 };

my $t = Pimap->new(log => 'warn', http => 'pimap_buffer 1m;');

$t->nginx()->{locations} .= <<'END';

        location = /held {
            pimap_account $arg_account;
            pimap_events;
            pimap_detach off;
            pimap_hibernate off;
        }
END

my %ways = (
    'detached' => [transport => 'http'],
    'detached, TLS' => [transport => 'https'],
    'held' => [transport => 'http', path => '/held'],
    'held, HTTP/2' => [transport => 'h2'],
);

$t->plan(2 * keys(%ways) + 3);
$t->run();

my %s;

for my $way (keys(%ways)) {
    $s{$way} = $t->park('alice', @{ $ways{$way} });
    $s{$way}->read_until(qr/: parked\n.*\n\n/);
}

$t->subscribed('alice');

# Publishes no faster than the devices read.

my $redis = $t->redis()->connect();
my $uid = 0;
my %got;

sub batch {
    my $last = $uid + BATCH;

    $redis->send('PUBLISH', 'pimap:{alice}',
        qq({"event":"MessageNew","mailbox":"INBOX","uid":$_}))
        for $uid + 1 .. $last;

    $redis->reply() for $uid + 1 .. $last;
    $uid = $last;

    for my $way (keys(%s)) {
        my $text = $s{$way}->read_until(qr/"uid":$last\}\n\n/) // '';

        $got{$way} += () = $text =~ /^event: MessageNew$/mg;
    }
}

batch() for 1 .. 10;

my $rss = $t->nginx()->rss();

batch() for 11 .. EVENTS / BATCH;

my $grown = $t->nginx()->rss() - $rss;

for my $way (sort(keys(%s))) {
    is($got{$way}, EVENTS, "$way: all events");
    ok($s{$way}->quiet(0), "$way: still parked");
}

cmp_ok($grown, '<', $t->slack(SLACK),
    "events leave nothing behind: $grown kB");

# Parks devices, closes them, and waits for their ends before the next ones.

sub cycle {
    my ($n) = @_;

    for my $i (1 .. $n) {
        my $transport = $i % 10 ? 'http' : 'https';
        my $s = $t->park("bob$i", transport => $transport,
            query => 'device=phone&types=Email');

        $s->read_until(qr/: parked\n.*\n\n/) or die "not parked\n";
        $s->close();
    }

    $t->wait_for(sub { $t->status()->{parked} == keys(%s) }, 'all to leave');
}

cycle(CYCLES / 10);

my $fds = $t->nginx()->fds();

$rss = $t->nginx()->rss();

cycle(CYCLES);

$grown = $t->nginx()->rss() - $rss;

cmp_ok($grown, '<', $t->slack(SLACK),
    "devices leave nothing behind: $grown kB");
is($t->nginx()->fds(), $fds, 'no file stays open');
