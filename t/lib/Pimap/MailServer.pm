package Pimap::MailServer;

# The common part of a test's Dovecot and Cyrus: their end, and clients.  Their
# ports are the test's "imap" and "lmtp", each password is "secret".

use strict;
use warnings;

use Time::HiRes qw(time);

use Pimap::Mail;


sub stop { $_[0]{t}->stop($_[0]{process}) }


# Kills all of its processes at once: with clients its own end takes long.
# After TERM its processes send BYE.

sub kill {
    my ($self, $signal) = @_;

    CORE::kill($signal // 'KILL', -$self->{process}->pid());
    $self->{t}->stop($self->{process});
}


# A client that is logged in.

sub imap {
    my ($self, $user) = @_;

    my $imap = Pimap::Mail->connect($self->{t}->port('imap'));

    $imap->command('LOGIN ' . ($user // 'alice') . ' secret');

    return $imap;
}


# Delivers a message by LMTP: the seconds it took.
# to, subject, and if wanted from, body, headers => further lines

sub deliver {
    my ($self, %mail) = @_;

    my $start = time();

    Pimap::Mail->connect($self->{t}->port('lmtp'))->deliver(%mail);

    return time() - $start;
}


# Makes changes that a session of the bridge with alice's INBOX misses: a
# delivery, an answered message, the second message is expunged, and a new
# mailbox with a message.

sub miss {
    my ($self, $imap) = @_;

    $self->deliver(to => 'alice', subject => 'missed');
    $imap->command('SELECT INBOX');
    $imap->command('STORE 1 +FLAGS (\Answered)');
    $imap->command('STORE 2 +FLAGS (\Deleted)');
    $imap->command('EXPUNGE');
    $imap->command('CREATE Fresh');
    $imap->append('Fresh', "Subject: fresh\r\n\r\ntext\r\n");
}


1;
