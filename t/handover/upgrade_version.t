#!/usr/bin/perl

# The workers of a new binary do not understand the old records: devices are
# told to come back, and resume without a loss.  The same for a downgrade.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant DEVICES => 20;

my $t = Pimap->new(workers => 2, log => 'notice',
    mode => 'pimap_hibernate on;', http => 'pimap_drain 5s;');
my $dir = $t->dir();
my @modules = ($t->module(), $t->root() . '/build/next/ngx_pimap_module.so');
my (%s, %id, $uid);

sub master { return ($t->read_file("$dir/nginx.pid") =~ /(\d+)/)[0] }

sub install { system('cp', $_[0], "$dir/new") == 0 && rename("$dir/new",
    "$dir/module.so") or die "module.so: $!\n" }

sub event {
    return { event => 'MessageNew', mailbox => 'INBOX', uid => ++$uid };
}

# Parks all devices; those that come back send their last ids.

sub park {
    for my $n (1 .. DEVICES) {
        my $s = $t->park("user$n", transport => $n % 2 ? 'http' : 'https',
            headers => $id{$n} ? { 'Last-Event-ID' => $id{$n} } : {});

        $id{$n} //= $s->header('Pimap-Last-Event-ID');
        $s{$n} = $s;
    }

    return $t->wait_for(sub { my $d = $t->status()->{devices};
        $d->{detached} + $d->{hibernated} == DEVICES }, 'detached');
}

# The number of devices that got exactly the next event.

sub got_next {
    my $right = 0;

    for my $n (1 .. DEVICES) {
        my $event = $s{$n}->event() || next;

        $right++ if ($event->{json}{uid} // 0) == $uid - DEVICES + $n;
        $id{$n} = $event->{id};
    }

    return $right;
}

sub log_events { $t->redis()->log("user$_", event()) for 1 .. DEVICES }

# Replaces the old master by the installed binary and module.

sub upgrade {
    my $old = master();

    unlink("$dir/nginx.pid.oldbin");
    kill('USR2', $old);
    $t->wait_for(sub {
        my $new = master() // $old;

        return $new != $old && $t->read_file("/proc/$new/task/$new/children")
            =~ /\d+ \d+/;
    }, 'the new master');
    kill('QUIT', $old);

    return $old;
}

$t->plan(2 + 2 * 8 + 3);
is(system($t->root() . '/misc/build', 'next'), 0, 'another version is built');

# nginx upgrades a daemon only.

$t->redis()->start();
install($modules[0]);
$t->write_file("$dir/nginx.conf", $t->nginx()->conf()
    =~ s/^daemon off;/daemon on;/r
    =~ s{load_module \K\S+}{$dir/module.so;}r);
is(system($t->nginx()->binary(), '-p', "$dir/", '-c', "$dir/nginx.conf", '-e',
    "$dir/error.log"), 0, 'nginx starts');
$t->wait_ready();

for my $round (['forth', $modules[1]], ['back', $modules[0]]) {
    my ($way, $module) = @$round;
    my $before = () = $t->log() =~ /of another version/g;

    ok(park(), "$way: parked");
    log_events();
    is(got_next(), DEVICES, "$way: live");

    install($module);

    my $old = upgrade();

    is(scalar(grep { $s{$_}->ended() } 1 .. DEVICES), DEVICES,
        "$way: each response ends in good order");
    is(scalar(grep { $_->{body} =~ /retry: [1-9]\d*\nevent: retry\n.*\n\n\z/ }
        values(%s)), DEVICES, "$way: each response says when to come back");
    ok($t->wait_for(sub { !-e "/proc/$old" }), "$way: the old master exits");
    cmp_ok(scalar(() = $t->log() =~ /of another version/g), '>', $before,
        "$way: the log says why");

    log_events();
    park();
    is(got_next(), DEVICES, "$way: devices get the events they missed");
    is(join(' ', map { $_->{parked}, $_->{handover}{received} } $t->status()),
        DEVICES . ' 0',
        "$way: no device was handed over");
    $_->close() for values(%s);
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'the ends');
}

# A reload does not load a new file, so the records are the old ones.

park();
install($modules[1]);

my %old = map { $_ => 1 } map { $_->{pid} } @{ $t->status()->{workers} };

kill('HUP', master());
ok($t->wait_for(sub { !grep { -e "/proc/$_" } keys(%old) }), 'reload');
ok($t->wait_for(sub { $t->status()->{handover}{received} == DEVICES }),
    'a new file and a reload: handed over');
log_events();
is(got_next(), DEVICES, 'and live');

END { kill('TERM', grep { $_ } master()) if -e "$dir/nginx.pid" }
