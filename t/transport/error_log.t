#!/usr/bin/perl

# "error_log" of a location also has the lines about its parked devices, in
# whatever way they are parked, and after a reload.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(log => 'error', workers => 2);
my $own = $t->dir() . '/own.log';
my %directives = (
    detached => 'pimap_detach on; pimap_hibernate off;',
    held => 'pimap_detach off; pimap_hibernate off;',
    asleep => 'pimap_hibernate on;',
);

$t->nginx()->{locations} .= join('', map { <<"END" } sort(keys(%directives)));
        location = /$_ {
            error_log $own info;
            pimap_account \$arg_account;
            $directives{$_}
            pimap_events;
        }
END

$t->plan(14);
$t->run();
$t->wait_ready();

for my $way (sort(keys(%directives))) {
    my $s = parked($way, 'before');

    $s->close();
    ok($t->wait_for(sub { ended("$way-before") }, 'the end'),
        "$way: the end is in the log of the location");
}

my @parked = map { parked($_, 'over') } qw(detached asleep);
my @old = $t->workers();

$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }), 'a reload');

for my $way (qw(detached asleep)) {
    my $s = shift(@parked);

    $t->redis()->log("$way-over", { event => 'MessageNew', uid => 1 });
    is($s->event()->{json}{uid}, 1, "$way: an event after the reload");
    $s->close();
    ok($t->wait_for(sub { ended("$way-over") }, 'the end'),
        "$way: the end after the reload is in the log of the location");
}

unlike($t->log(), qr/pimap ended/, 'no end is in the main log');


sub parked {
    my ($way, $when) = @_;

    my $s = $t->park("$way-$when", path => "/$way",
        transport => $way eq 'asleep' ? 'https' : 'http');

    ok($s->read_until(qr/: parked\n.*\n\n/), "$way, $when: parked");
    $t->subscribed("$way-$when");

    return $s;
}


sub ended {
    my ($account) = @_;
    return $t->read_file($own) =~ /pimap ended: .*account="\Q$account\E"/;
}
