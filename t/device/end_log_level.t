#!/usr/bin/perl

# "pimap_end_log_level" is the level of the line that says why a device has
# left, in whatever way it was parked.  The other lines at "info" stay away.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(log => 'notice', mode => '');

$t->nginx()->{locations} .= join('', map { <<"END" } qw(notice warn error));

        location = /$_ {
            pimap_account \$arg_account;
            pimap_end_log_level $_;
            pimap_events;
        }

        location = /held-$_ {
            pimap_account \$arg_account;
            pimap_end_log_level $_;
            pimap_detach off;
            pimap_events;
        }
END

$t->plan(10);
$t->run();

for my $level (qw(notice warn error)) {
    for my $path ("/$level", "/held-$level") {
        my $account = $path =~ s/\W//gr;

        leaves($path, $account);
        ok($t->wait_for(sub {
            $t->log() =~ /\[$level\].* pimap ended: .* account="$account"/
        }, 'a line'), "$path: a line");
    }
}

leaves('/events', 'alice');
leaves('/notice', 'bob');
ok($t->wait_for(sub { $t->log() =~ /ended: .*account="bob"/ }, 'a line'),
    'another line, later');
unlike($t->log(), qr/ended: .*account="alice"/, 'by default there is no line');
unlike($t->log(), qr/\[info\]/, 'nor any other one at that level');

# The settings of a device follow its location at a reload.

my $s = $t->park('carol');

$s->read_until(qr/: parked\n.*\n\n/);
$t->nginx()->{http} .= 'pimap_end_log_level warn;';
$t->reload();
$t->wait_for(sub { @{ $t->status()->{workers} } == 1
    && $t->status()->{parked} == 1 }, 'the hand-over');
$s->close();
ok($t->wait_for(sub { $t->log() =~ /\[warn\].*ended: .*account="carol"/ },
    'a line'), 'after a reload: the new level');


sub leaves {
    my ($path, $account) = @_;

    my $s = $t->park($account, path => $path);

    $s->read_until(qr/: parked\n.*\n\n/);
    $s->close();
}
