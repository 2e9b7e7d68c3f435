#!/usr/bin/perl

# A reload while a device pauses, because it has sent too much: the new worker
# reads the bytes that the old worker has not read.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $t = Pimap->new(mode => 'pimap_hibernate on;',
    http => 'pimap_update_rate 5; pimap_drain 5s;');

# Updates without a verb are refused by their ids, at once.
my @bodies = map { qq({"id":"$_"}) } 1 .. 30;
my @ways = map { ["duplex-$_", $_], ["websocket-$_", $_] } qw(http https);

$t->plan(2 + 2 * @ways);
$t->run();
$t->wait_ready();

my %s;

for (@ways) {
    my ($name, $transport) = @$_;

    $s{$name} = $name =~ /duplex/
        ? $t->duplex($name, transport => $transport)
        : $t->websocket($name, transport => $transport);
    $s{$name}->json();
}

$t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} == 2 && $d->{hibernated} == 2 }, 'detached');

my %first;

for (keys(%s)) {
    $s{$_}->send_all(/duplex/
        ? Pimap::Duplex::chunk(join('', map { "$_\n" } @bodies))
        : join('', map { frame(TEXT, $_) } @bodies));
}

$first{$_} = $s{$_}->json() for keys(%s);

my @old = $t->workers();

$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old workers'),
    'the old workers leave');
ok($t->wait_for(sub { $t->status()->{handover}{received} == @ways }),
    'all devices are handed over');

for (@ways) {
    my $name = $_->[0];
    my @answers = ($first{$name});

    while (@answers < 30) {
        push(@answers, $s{$name}->json() || last);
    }

    is(join(' ', map { $_->{update} // '' } @answers), join(' ', 1 .. 30),
        "$name: each byte is read once");

    my $n = 100;

    ok($t->wait_for(sub { answer($name, ++$n)->{event} eq 'accepted' },
        'accepted'), "$name: a second later an update is accepted");
}


sub answer {
    my ($name, $id) = @_;

    my $update = qq({"id":"$id","update":"x"});

    $s{$name}->send_all($name =~ /duplex/
        ? Pimap::Duplex::chunk("$update\n") : frame(TEXT, $update));

    return $s{$name}->json() // { event => 'none' };
}
