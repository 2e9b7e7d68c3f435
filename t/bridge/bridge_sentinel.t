#!/usr/bin/perl

# The bridge asks sentinels for the master, as nginx does, also after a
# failover: mail is an event before and after, and mail of the time without a
# master comes later.  An old master that comes back gets no command.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::Torture::Trouble;

my $t = Pimap->new();
my $trouble = Pimap::Torture::Trouble->new(t => $t, sentinel => 1);

# The first sentinel is not there.

my $address = $trouble->address() =~ s{//}{'//127.0.0.1:' . $t->port('none')
    . ','}er;

my $bridge = Pimap::Bridge->new(t => $t, redis => "address = \"$address\"; "
    . 'timeout = "1s";');

$t->nginx()->{http} = "pimap_redis $address timeout=1s probe=500ms;";
$t->nginx()->{locations} .= $bridge->auth_location() . <<"END";
        location = /mine {
@{[ $bridge->login() ]}
            pimap_events;
        }
END

$t->plan(8);
$trouble->start();
$t->nginx()->start();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();
my $imap = $dovecot->imap();
$imap->command('SELECT INBOX');

ok($bridge->start()->wait_healthy()->healthy(), 'the master is found');

my $s = $t->request('GET', '/mine',
    headers => { $bridge->basic('alice', 'secret') });

ok($s->read_until(qr/^event: parked\n.*\n\n/m), 'a device parks');
ok($bridge->watches(1), 'the bridge watches the account');

$dovecot->deliver(to => 'alice', subject => 'before');
is(subject($s), 'before', 'mail is an event');

for my $how (qw(failover switch)) {
    my $old = $trouble->master();

    $trouble->happens($how);
    $dovecot->deliver(to => 'alice', subject => $how);
    is(subject($s), $how, "$how: mail is an event of the new master");
    ok($t->wait_for(sub { $bridge->wait_healthy()->healthy()
        && commands_of($old) eq '' }),
        "$how: the old master gets no command");
}


# The subject of the next mail.

sub subject {
    my ($stream) = @_;

    while (my $event = $stream->event(40)) {
        return $event->{json}{subject} if $event->{event} eq 'MessageNew';
    }
}


# The lines of its clients that are ours.

sub commands_of {
    my ($redis) = @_;

    my $clients = eval { $redis->connect()->command('CLIENT', 'LIST') } // '';

    return join("\n", grep { /cmd=(?:fcall|xreadgroup|subscribe)/
        && !/name=sentinel/ } split(/\n/, $clients));
}
