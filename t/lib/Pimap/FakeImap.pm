package Pimap::FakeImap;

# An IMAP server that is not what it should be: it plays a script that the
# test gives it, one for each connection, as its "mode".  A script is a list
# of steps in JSON:
#
#     ["say", "* OK hello\r\n"]           "TAG" in it is the last one read
#     ["read", "LOGIN"]                   a line; closes if it has not that
#     ["drip", "bytes", 0.01]             one by one, with so much time between
#     ["endless", "bytes"]                again and again
#     ["wait"]                            for ever
#     ["close"]

use strict;
use warnings;

use JSON::PP;
use Time::HiRes qw(sleep);

use parent qw(Pimap::Fake);


sub new {
    my ($class, %set) = @_;
    return $class->SUPER::new(name => 'fakeimap', mode => '[]', %set);
}


sub script {
    my ($self, @steps) = @_;
    $self->mode(JSON::PP->new->encode(\@steps));
}


# As a server up to the login, and a list with one mailbox.

sub until_login {
    my ($class, $caps) = @_;

    return (
        ['say', "* OK [CAPABILITY IMAP4rev1] hello\r\n"],
        ['read', 'LOGIN'],
        ['say', "TAG OK [CAPABILITY IMAP4rev1 $caps] in\r\n"],
    );
}


sub until_list {
    my ($class, $caps) = @_;

    return ($class->until_login("$caps LIST-EXTENDED LIST-STATUS"),
        ['read', 'LIST'],
        ['say', "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 2 "
            . "UIDNEXT 3 UIDVALIDITY 5 UNSEEN 2)\r\nTAG OK listed\r\n"],
        ['read', 'EXAMINE'],
        ['say', "* 2 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n"
            . "* OK [UIDNEXT 3] x\r\nTAG OK in\r\n"],
        ['read', 'FETCH'],
        ['say', join('', map { "* $_ FETCH (UID $_ FLAGS () INTERNALDATE "
            . "\"24-Nov-2026 12:00:00 +0000\")\r\n" } 1, 2) . "TAG OK x\r\n"],
    );
}


sub serve {
    my ($self, $server) = @_;

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{CHLD} = 'IGNORE';

    while (my $client = $server->accept()) {
        my $pid = fork();

        if ($pid == 0) {
            CORE::close($server);
            $client->autoflush(1);
            eval { $self->_play($client) };
            POSIX::_exit(0);
        }

        CORE::close($client);
    }
}


sub _play {
    my ($self, $client) = @_;

    my $tag = '*';

    for my $step (@{ JSON::PP->new->decode($self->mode()) }) {
        my ($what, $text, $time) = @$step;

        $text =~ s/TAG/$tag/g if defined $text && $what ne 'read';

        if ($what eq 'say') {
            print $client $text or return;

        } elsif ($what eq 'read') {
            my $line = <$client> // return;
            $tag = $1 if $line =~ /^(p\d+) /;
            return if defined $text && $line !~ /$text/;

        } elsif ($what eq 'drip') {
            for my $byte (split(//, $text)) {
                print $client $byte or return;
                sleep($time);
            }

        } elsif ($what eq 'endless') {
            1 while print $client $text;
            return;

        } elsif ($what eq 'wait') {
            1 while defined <$client>;
            return;

        } else {
            return;
        }
    }
}


1;
